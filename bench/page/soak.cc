// SPDX-License-Identifier: Apache-2.0
// The soak: its intervals over time, what was alerted, and whether anything grew.
#include <algorithm>

#include "page/html.h"
#include "page/page.h"
#include "page/plot.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr std::pair<const char*, const char*> kFigures[] = {
    {"p50_ns", "p50"}, {"p99_ns", "p99"}, {"p99_9_ns", "p99.9"}, {"max_ns", "max"}};

double middle_of(const json& interval) {
  return number(field(interval, "begin_s")).value_or(0) + number(field(interval, "seconds")).value_or(0) / 2;
}

// A sign where an alert was raised, and where calls failed.
std::vector<Mark> marks_of(const json& soak) {
  std::vector<Mark> marks;
  for (const json& alert : field(soak, "alerts"))
    if (const auto at = number(field(alert, "at_s")); at && field(alert, "state") == "raised") {
      const bool critical = field(alert, "severity") == "critical";
      marks.push_back({*at, critical ? "✗" : "!", critical ? "bad" : "open", false});
    }
  for (const json& interval : field(soak, "intervals"))
    if (number(field(interval, "errors")).value_or(0) > 0) marks.push_back({middle_of(interval), "E", "bad", false});
  return marks;
}

std::string latency_chart(const json& soak, const Axis& x) {
  Plot plot{.id = "soak-latency",
            .title = "Latency of each interval over the time of the soak",
            .description = "One point an interval. Over all of them: ",
            .x = x,
            .y = {},
            .lines = {},
            .bands = {},
            .marks = marks_of(soak)};
  double low = 1e300, high = 0;
  for (const auto& [name, label] : kFigures) {
    Line line{label, "s" + std::to_string(plot.lines.size()), Line::kLine, {}};
    for (const json& interval : field(soak, "intervals"))
      if (const auto ns = number(field(interval, name))) {
        line.points.push_back({middle_of(interval), *ns});
        low = std::min(low, *ns), high = std::max(high, *ns);
      }
    if (line.points.empty()) continue;
    plot.description += std::string(label) + " " + shown_time(field(soak, "total", name)) + "; ";
    plot.lines.push_back(std::move(line));
  }
  if (plot.lines.empty()) return "";
  plot.y = log_time_axis(low / 2, high);  // the signs need a strip of their own below the lines
  plot.y.label = "latency, logarithmic";
  return figure(plot) +
         element("p", "note",
                 "At the lower edge: <strong>!</strong> an alert of severity warning was raised, <strong>✗</strong> a "
                 "critical one, <strong>E</strong> an interval in which calls failed.");
}

std::string memory_chart(const json& soak, const Axis& x) {
  Line line{"resident", "s0", Line::kSteps, {}};
  double low = 1e300, high = 0;
  for (const json& interval : field(soak, "intervals"))
    if (const auto kb = number(field(interval, "resident_kb"))) {
      line.points.push_back({middle_of(interval), *kb / 1024});
      low = std::min(low, *kb / 1024), high = std::max(high, *kb / 1024);
    }
  if (line.points.empty()) return "";
  const std::string description =
      "From " + fixed_point(low, 2) + " to " + fixed_point(high, 2) + " MiB over the time of the soak.";
  Plot plot{.id = "soak-memory",
            .title = "Resident memory of the process",
            .description = description,
            .x = x,
            .y = count_axis(0, high * 1.1),
            .lines = {std::move(line)},
            .bands = {},
            .marks = {}};
  plot.y.label = "MiB";
  return figure(plot, 220);
}

std::string percent(double share) { return (share < 0 ? "" : "+") + fixed_point(share * 100, 1) + " %"; }

std::string degradation_words(const json& soak) {
  std::string out;
  for (const char* name : {"p50", "p99"}) {
    const json &tenths = field(field(soak, "degradation"), name), &range = field(tenths, "change_range");
    const auto change = number(field(tenths, "change"));
    if (!change) continue;
    std::string text = std::string(name) + ": " + shown_time(field(tenths, "first_ns")) +
                       " in the first tenth of the time, " + shown_time(field(tenths, "last_ns")) +
                       " in the last (medians over intervals), " + percent(*change);
    if (range.is_array() && range.size() == 2 && number(range[0]) && number(range[1])) {
      const double least = *number(range[0]), most = *number(range[1]);
      text += ". The spread of both tenths allows " + percent(least) + " to " + percent(most) +
              (least > 0  ? ": it got slower."
               : most < 0 ? ": it got faster."
                          : ", so no change can be told.");
    } else {
      text += ". Fewer than 20 intervals show no spread to tell a change from.";
    }
    out += element("li", "", text) + "\n";
  }
  return out;
}

std::string memory_words(const json& soak) {
  const json& memory = field(soak, "memory");
  const auto growth = number(field(memory, "growth_kb_per_minute"));
  if (!growth) return "";
  return element("li", "",
                 "Resident memory: " + shown(field(memory, "resident_first_kb")) + " kB after the first interval, " +
                     shown(field(memory, "resident_last_kb")) + " kB after the last; a growth of " +
                     fixed_point(*growth, 1) + " kB a minute (median slope).") +
         "\n";
}

std::string offered(const json& soak) {
  const json& rate = field(soak, "rate_per_s");
  std::string text = "The " + shown(field(soak, "path")) + " path, " + shown(field(soak, "total", "calls")) +
                     " calls in " + fixed_point(number(field(soak, "seconds")).value_or(0), 1) + " s, ";
  if (!number(rate)) return text + "back to back: service time.";
  return text + "at " + with_commas_fixed(*number(rate), 0) + " calls a second (" + shown(field(soak, "arrivals")) +
         " arrivals): response time, counted from the planned arrival.";
}

std::string alert_table(const json& soak) {
  constexpr std::size_t kMost = 40;
  std::vector<std::vector<std::string>> rows;
  const json& alerts = field(soak, "alerts");
  for (const json& alert : alerts)
    if (rows.size() < kMost)
      rows.push_back({shown(field(alert, "at_s")) + " s", shown(field(alert, "alert")), shown(field(alert, "state")),
                      shown(field(alert, "severity")), shown(field(alert, "text"))});
  if (rows.empty()) return element("p", "", "No alert was raised.");
  return table("Alerts", {"after", "alert", "state", "severity", "what"}, rows, "plain") +
         (alerts.size() > kMost ? element("p", "note",
                                          "The first " + std::to_string(kMost) + " of " +
                                              std::to_string(alerts.size()) + "; the certificate has them all.")
                                : "");
}

}  // namespace

std::string soak_part(const json& document) {
  const json& soak = field(document, "soak");
  if (!soak.is_object()) return "";
  std::string out = element("p", "", "<strong>Whether it stays so under load.</strong> " + offered(soak));
  if (field(soak, "saturated") == true)
    return section("soak", "Soak",
                   out + element("p", "warning",
                                 "Saturated: the rate is above 0.9 of the capacity (" +
                                     shown(field(soak, "capacity_per_s")) + " calls a second), so nothing was run."));
  if (field(soak, "complete") == false)
    out += element("p", "warning", "Incomplete: the soak was stopped before its end.");
  out += element("ul", "", degradation_words(soak) + memory_words(soak));
  const Axis x = elapsed_axis(number(field(soak, "seconds")).value_or(1));
  return section("soak", "Soak", out + latency_chart(soak, x) + memory_chart(soak, x) + alert_table(soak));
}

}  // namespace tickmlp::bench
