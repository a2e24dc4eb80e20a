// SPDX-License-Identifier: Apache-2.0
#include "soak/alerts.h"

#include <cmath>
#include <optional>

#include "measure/statistics.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

struct Seen {
  double value;
  bool over;
};

std::optional<Seen> look(const SoakInterval& interval, const std::string& figure, double limit) {
  const auto calls = static_cast<double>(interval.calls);
  if (interval.calls == 0) return std::nullopt;
  if (figure == "errors") {
    const double share = static_cast<double>(interval.errors) / calls;
    return Seen{share, share > limit};
  }
  if (figure == "saturated") return Seen{interval.seconds > 0 ? calls / interval.seconds : 0, interval.saturated};
  const auto value = figure_value(interval.recorder, figure);
  return value ? std::optional(Seen{*value, *value > limit}) : std::nullopt;
}

std::string quantity(double value, const std::string& unit) {
  if (unit == "ns") return describe_ns(value);
  if (unit == "share") return fixed_point(value * 100, 2) + " %";
  return with_commas(static_cast<std::uint64_t>(value)) + " " + unit;
}

std::string sentence(const std::string& figure, double value, double limit, const std::string& unit, bool over) {
  if (figure == "saturated")
    return over ? "the queue never drained: " + quantity(value, unit) + " done of " + quantity(limit, unit) + " offered"
                : "the queue drained: " + quantity(value, unit) + " done";
  const std::string what = figure == "errors" ? "the share of calls that failed" : figure;
  return what + ", " + quantity(value, unit) + (over ? ", is above " : ", is within ") + quantity(limit, unit);
}

}  // namespace

SoakAlert nothing_run_alert(double per_second, double capacity_per_s) {
  const double capacity = std::round(capacity_per_s);  // as the certificate has it
  const std::string text = "nothing was run: " + quantity(per_second, "calls/s") + " are above 0.9 x the capacity of " +
                           quantity(capacity, "calls/s");
  return {"saturated", "raised", true, 0, 0, capacity, per_second, "calls/s", text};
}

AlertWatch::AlertWatch(const std::vector<Budget>& budgets, double per_second) {
  rules_.push_back({"p99", "p99", kAlertP99Ns, "ns", false});
  rules_.push_back({"errors", "errors", kAlertErrorShare, "share", false});
  for (const Budget& budget : budgets)
    rules_.push_back({"budget " + budget.figure, budget.figure, budget.ns, "ns", false});
  if (per_second > 0) rules_.push_back({"saturated", "saturated", per_second, "calls/s", true});
}

std::vector<SoakAlert> AlertWatch::judge(const SoakInterval& interval, std::size_t index) {
  std::vector<SoakAlert> alerts;
  for (Rule& rule : rules_) {
    const auto seen = look(interval, rule.figure, rule.limit);
    if (!seen) continue;
    const auto tell = [&](const char* state) {
      alerts.push_back({rule.name, state, rule.critical, interval.begin_s + interval.seconds, index, seen->value,
                        rule.limit, rule.unit, sentence(rule.figure, seen->value, rule.limit, rule.unit, seen->over)});
    };
    if (!seen->over) {
      if (rule.raised) tell("cleared");
      rule.raised = rule.critical = false;
      rule.in_a_row = 0;
      continue;
    }
    rule.in_a_row += 1;
    const bool critical = rule.at_once || rule.in_a_row >= kCriticalInARow || seen->value > kCriticalTimes * rule.limit;
    const bool worse = critical && !rule.critical;
    rule.critical = rule.critical || critical;
    if (!rule.raised || worse) tell("raised");
    rule.raised = true;
  }
  return alerts;
}

}  // namespace tickmlp::bench
