// SPDX-License-Identifier: Apache-2.0
// The last part of what is derived: budgets, verdict and reasons.
#include "certify/conclusion.h"
#include "certify/document.h"
#include "soak/soak.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

Grade grade_of(const std::string& name) {
  for (const Grade grade : {Grade::kPass, Grade::kWarn, Grade::kFail})
    if (name == grade_name(grade)) return grade;
  return Grade::kUnknown;
}

std::vector<AuditRow> audit_of(const json& rows) {
  std::vector<AuditRow> audit;
  for (const json& row : rows)
    audit.push_back(
        {row.at("name"), grade_of(row.at("grade")), row.at("seen"), row.at("why"), row.at("mend"), row.at("forcing")});
  return audit;
}

std::set<std::string> saturated_of(const json& document) {
  std::set<std::string> saturated;
  for (const json& scenario : document.at("scenarios"))
    if (scenario.at("saturated") == true) saturated.insert(scenario.at("id").get<std::string>());
  if (const json& soak = document.at("soak"); !soak.is_null() && soak.at("saturated") == true)
    saturated.insert(kSoakId);
  return saturated;
}

// What keeps a soak from PASS beside its budgets: the first critical alert of each of the other rules.
std::vector<std::string> doubts_of(const json& soak) {
  std::vector<std::string> doubts;
  std::set<std::string> told;
  if (soak.is_null()) return doubts;
  for (const json& alert : soak.at("alerts")) {
    const std::string rule = alert.at("alert");
    if (alert.at("state") != "raised" || alert.at("severity") != "critical" || rule.starts_with("budget ") ||
        !told.insert(rule).second)
      continue;
    doubts.push_back("the soak had a critical alert, " + fixed_point(alert.at("at_s"), 1) +
                     " s after its begin: " + alert.at("text").get<std::string>() +
                     ". Look at its intervals for what happened then, and measure again");
  }
  return doubts;
}

// In millionths, to four places.
json share_ppm(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? json() : decimal(static_cast<double>(part) * 1e6 / static_cast<double>(whole), 4);
}

json judgement_json(const Judgement& judgement) {
  const Interval& interval = judgement.interval;
  return {{"scenario", judgement.budget.scenario},
          {"figure", judgement.budget.figure},
          {"budget_ns", decimal(judgement.budget.ns)},
          {"verdict", verdict_name(judgement.verdict)},
          {"value_ns", judgement.measured ? decimal(judgement.value) : json()},
          {"interval_ns", judgement.measured ? json::array({decimal(interval.low), decimal(interval.high)}) : json()},
          {"count", judgement.count},
          {"above_budget", judgement.above},
          {"share_above_ppm", share_ppm(judgement.above, judgement.count)},
          {"why", judgement.why}};
}

}  // namespace

std::vector<Budget> budgets_of(const json& rows) {
  std::vector<Budget> budgets;
  for (const json& row : rows) budgets.push_back({row.at("scenario"), row.at("figure"), row.at("budget_ns")});
  return budgets;
}

void derive_verdict(const Evidence& evidence, json* document) {
  const auto judgements = judge_all(budgets_of(document->at("budgets")), evidence, saturated_of(*document),
                                    document->at("clock").at("step_ns"));
  json budgets = json::array();
  for (const Judgement& judgement : judgements) budgets.push_back(judgement_json(judgement));
  (*document)["budgets"] = budgets;
  const json &mismatch = document->at("correctness").at("mismatch"), &stopped = document->at("interrupt_signal");
  const Conclusion conclusion =
      conclude(judgements, audit_of(document->at("audit")),
               {mismatch.is_null() ? "" : mismatch.get<std::string>(), stopped.is_null() ? 0 : stopped.get<int>(),
                document->at("complete"), doubts_of(document->at("soak"))});
  (*document)["verdict"] = verdict_name(conclusion.verdict);
  (*document)["reasons"] = conclusion.reasons;
}

}  // namespace tickmlp::bench
