// SPDX-License-Identifier: Apache-2.0
#include "compare/comparison.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "text_table.h"
#include "tickmlp.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

double decimals(double value) { return std::round(value * 1e4) / 1e4; }

json side_json(const Side& side, const Sample& sample, double central_ns) {
  return {
      {"name", printable(side.name)}, {"binary", printable(side.binary)},        {"version", side.version},
      {"blob", printable(side.blob)}, {"blob_sha256", sample.blob_sha256},       {"kernel", sample.kernel},
      {"dtype", sample.dtype},        {"outputs_sha256", sample.outputs_sha256}, {"central_ns", decimals(central_ns)}};
}

json interval_json(const Shift& shift, double unit) {
  if (!shift.bounded) return nullptr;
  return {decimals(shift.low * unit), decimals(shift.high * unit)};
}

std::string with_sign(double value, int decimals, const char* unit) {
  return (value > 0 ? "+" : "") + fixed_point(value, decimals) + unit;
}

// The least, the quartiles and the largest of one side's runs.
std::vector<std::string> spread(const std::vector<PairOfRuns>& pairs, double PairOfRuns::*side) {
  std::vector<double> values;
  for (const PairOfRuns& pair : pairs) values.push_back(pair.*side);
  std::sort(values.begin(), values.end());
  std::vector<std::string> cells;
  for (const double at : {0.0, 0.25, 0.5, 0.75, 1.0})
    cells.push_back(fixed_point(values[static_cast<std::size_t>(at * static_cast<double>(values.size() - 1))], 1));
  return cells;
}

std::string verdict_line(const Decision& decision) {
  switch (decision.outcome) {
    case Outcome::kSame: return "SAME         B is not slower than A";
    case Outcome::kFaster: return "FASTER       B is faster than A";
    case Outcome::kSlower: return "SLOWER       B is slower than A";
    case Outcome::kInconclusive: break;
  }
  return "INCONCLUSIVE it cannot be told whether B is slower than A";
}

}  // namespace

std::string comparison_json(const Comparison& comparison) {
  const Decision& decision = comparison.decision;
  const double to_percent = decision.base_ns > 0 ? 100 / decision.base_ns : 0;
  json runs = json::array();
  for (std::size_t i = 0; i < comparison.pairs.size(); ++i) {
    const PairOfRuns& pair = comparison.pairs[i];
    runs.push_back({{"order", i % 2 == 0 ? "AB" : "BA"},
                    {"a_ns", pair.a_ns},
                    {"b_ns", pair.b_ns},
                    {"a_timer_ns", pair.a_timer_ns},
                    {"b_timer_ns", pair.b_timer_ns}});
  }
  const json out{{"schema", "tickmlp-comparison/1"},
                 {"tool", {{"version", tickmlp_version()}}},
                 {"command", comparison.command},
                 {"kind", comparison.kind},
                 {"path", comparison.path},
                 {"core", comparison.core},
                 {"seconds", comparison.seconds},
                 {"a", side_json(comparison.sides[0], comparison.first[0], decision.a_ns)},
                 {"b", side_json(comparison.sides[1], comparison.first[1], decision.b_ns)},
                 {"step_ns", comparison.first[0].step_ns},
                 {"timer_ns", decimals(decision.timer_ns)},
                 {"verdict", outcome_name(decision.outcome)},
                 {"why", decision.why},
                 {"effect_ns", decimals(decision.shift.estimate)},
                 {"effect_percent", decimals(decision.shift.estimate * to_percent)},
                 {"interval_ns", interval_json(decision.shift, 1)},
                 {"interval_percent", interval_json(decision.shift, to_percent)},
                 {"confidence", kConfidence},
                 {"minimum_effect_ns", decimals(decision.minimum_ns)},
                 {"p_slower", decision.test.p_greater},
                 {"p_faster", decision.test.p_less},
                 {"pairs", runs}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string comparison_table(const Comparison& comparison) {
  const Decision& decision = comparison.decision;
  std::string text = "Compare two " + comparison.kind + ", " + comparison.path + " path, " +
                     std::to_string(comparison.pairs.size()) + " pairs of processes in turns on core " +
                     std::to_string(comparison.core) + "\n\n";
  std::vector<std::vector<std::string>> rows{
      {"", "", "kernel", "least", "quarter", "median", "three quarters", "most", "ns, timer in it"}};
  for (std::size_t i : {0, 1}) {
    rows.push_back({comparison.sides[i].label, printable(comparison.sides[i].name), comparison.first[i].kernel});
    const auto cells = spread(comparison.pairs, i == 0 ? &PairOfRuns::a_ns : &PairOfRuns::b_ns);
    rows.back().insert(rows.back().end(), cells.begin(), cells.end());
  }
  text += columns(rows, 2, 3) + "\n";
  const auto both = [&](double ns) {
    return with_sign(ns, 1, " ns") + " (" + with_sign(decision.percent(ns), 1, " %") + ")";
  };
  text += "  timer      " + fixed_point(decision.timer_ns, 1) + " ns, taken off before per cents; clock steps by " +
          fixed_point(comparison.first[0].step_ns, 0) + " ns\n";
  text += "  effect     " + both(decision.shift.estimate);
  if (decision.shift.bounded)
    text += ", with 99.6 % in " + both(decision.shift.low) + " to " + both(decision.shift.high);
  text += "\n  minimum    " + both(decision.minimum_ns) + ", the largest of 3 %, 2 ns and what the clock resolves\n";
  char test[80];
  std::snprintf(test, sizeof test, "slower p = %.2g, faster p = %.2g", decision.test.p_greater, decision.test.p_less);
  text += std::string("  signed rank ") + test + ", 0.002 or less is asked\n\n";
  return text + "  " + verdict_line(decision) + "\n  " + wrapped(decision.why, 2) + "\n";
}

}  // namespace tickmlp::bench
