// SPDX-License-Identifier: Apache-2.0
// What a comparison of two certificates found, and the command itself.
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "compare/compare.h"
#include "compare/stored.h"
#include "output_file.h"
#include "text_table.h"
#include "tickmlp.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

double decimals(double value) { return std::round(value * 1e4) / 1e4; }

json certificate_json(const StoredCertificate& certificate) {
  return {{"file", printable(certificate.path)},
          {"version", certificate.tool},
          {"started", certificate.started},
          {"complete", certificate.complete}};
}

std::string percent(const ScenarioOutcome& scenario) {
  if (scenario.old_ratio <= 0) return "";
  const double value = 100 * (scenario.new_ratio / scenario.old_ratio - 1);
  return (value > 0 ? "+" : "") + fixed_point(value, 1) + " %";
}

std::string range(double low, double high) { return fixed_point(low, 3) + "-" + fixed_point(high, 3); }

std::vector<std::string> row(const ScenarioOutcome& scenario) {
  if (!scenario.compared) return {scenario.id, outcome_name(scenario.outcome), "-", "-", "-", "-", "-"};
  return {scenario.id,
          outcome_name(scenario.outcome),
          fixed_point(scenario.old_ratio, 3),
          range(scenario.old_low, scenario.old_high),
          fixed_point(scenario.new_ratio, 3),
          range(scenario.new_low, scenario.new_high),
          percent(scenario)};
}

json row_json(const ScenarioOutcome& scenario) {
  const auto figure = [&](double value) { return scenario.compared ? json(decimals(value)) : json(); };
  const auto both = [&](double low, double high) {
    return scenario.compared ? json{decimals(low), decimals(high)} : json();
  };
  return {{"id", scenario.id},
          {"verdict", outcome_name(scenario.outcome)},
          {"why", scenario.why},
          {"old_to_memory_floor", figure(scenario.old_ratio)},
          {"new_to_memory_floor", figure(scenario.new_ratio)},
          {"old_range", both(scenario.old_low, scenario.old_high)},
          {"new_range", both(scenario.new_low, scenario.new_high)},
          {"minimum_effect", figure(scenario.minimum)}};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const char* verdict_line(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSame: return "SAME         no scenario is slower";
    case Outcome::kFaster: return "FASTER       no scenario is slower, and some are faster";
    case Outcome::kSlower: return "SLOWER       a scenario is slower";
    case Outcome::kInconclusive: break;
  }
  return "INCONCLUSIVE it cannot be told whether a scenario is slower";
}

}  // namespace

std::string stored_json(const std::string& command, const StoredCertificate& before, const StoredCertificate& after,
                        const StoredComparison& comparison) {
  json scenarios = json::array();
  for (const ScenarioOutcome& scenario : comparison.scenarios) scenarios.push_back(row_json(scenario));
  const json out{{"schema", "tickmlp-comparison-stored/1"},
                 {"tool", {{"version", tickmlp_version()}}},
                 {"command", command},
                 {"old", certificate_json(before)},
                 {"new", certificate_json(after)},
                 {"verdict", outcome_name(comparison.outcome)},
                 {"reasons", comparison.reasons},
                 {"only_old", comparison.only_old},
                 {"only_new", comparison.only_new},
                 {"saturated", comparison.saturated},
                 {"scenarios", scenarios}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string stored_table(const StoredCertificate& before, const StoredCertificate& after,
                         const StoredComparison& comparison) {
  std::string text = "Compare two certificates by their ratios to the memory floors of their own re-runs\n\n";
  for (const auto& [name, certificate] : {std::pair{"old", &before}, std::pair{"new", &after}})
    text += std::string("  ") + name + "  " + printable(certificate->path) + ", tickmlp " + certificate->tool + ", " +
            certificate->started + "\n";
  std::vector<std::vector<std::string>> rows{
      {"scenario", "verdict", "old ratio", "re-runs", "new ratio", "re-runs", "change"}};
  for (const ScenarioOutcome& scenario : comparison.scenarios) rows.push_back(row(scenario));
  text += "\n" + columns(rows, 2, 2) + "\n";
  for (const ScenarioOutcome& scenario : comparison.scenarios)
    if (scenario.outcome == Outcome::kInconclusive) text += "  " + scenario.id + ": " + scenario.why + "\n";
  if (!comparison.only_old.empty()) text += "  only in old: " + joined(comparison.only_old) + "\n";
  if (!comparison.only_new.empty()) text += "  only in new: " + joined(comparison.only_new) + "\n";
  if (!comparison.saturated.empty()) text += "  saturated in both, left out: " + joined(comparison.saturated) + "\n";
  text += std::string("  ") + verdict_line(comparison.outcome) + "\n";
  for (const std::string& reason : comparison.reasons) text += "  " + wrapped(reason, 2) + "\n";
  return text;
}

int compare_certificates(const CompareOptions& options) {
  const std::string &old_path = options.certificates[0], &new_path = options.certificates[1];
  if (!options.json.empty()) check_target(options.json, {old_path, new_path});
  const StoredCertificate before = read_stored(old_path), after = read_stored(new_path);
  const StoredComparison comparison = compare_stored(before, after);
  if (!options.json.empty()) write_atomically(options.json, {stored_json(options.command, before, after, comparison)});
  print(stored_table(before, after, comparison));
  if (!options.json.empty()) print("  report     " + printable(options.json) + "\n");
  flush_output();
  return outcome_exit_code(comparison.outcome);
}

}  // namespace tickmlp::bench
