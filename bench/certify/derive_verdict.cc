// SPDX-License-Identifier: Apache-2.0
#include "certify/document.h"
#include "certify/figures.h"

namespace tickmlp::bench {

using nlohmann::json;

void derive_verdict(const Evidence& evidence, json* document) {
  std::vector<Judgement> judgements;
  const tickmlp_clock clock{0, 0, document->at("clock").at("step_ns"), 0};
  for (json& row : document->at("budgets")) {
    const auto found = evidence.find(row.at("scenario"));
    const auto all = merged(found == evidence.end() ? SeriesEvidence() : found->second);
    const Judgement judged = judge({row.at("figure"), row.at("budget_ns")}, *all, {}, clock);
    row["verdict"] = verdict_name(judged.verdict);
    row["why"] = judged.why;
    row["value_ns"] = judged.measured ? decimal(judged.value) : json();
    row["interval_ns"] = judged.measured ? json({decimal(judged.interval.low), decimal(judged.interval.high)}) : json();
    judgements.push_back(judged);
  }
  std::vector<AuditRow> audit;
  for (const json& row : document->at("audit")) {
    const std::string grade = row.at("grade");
    const Grade read = grade == "pass" ? Grade::kPass : grade == "warn" ? Grade::kWarn : Grade::kFail;
    audit.push_back({row.at("name"), read, row.at("seen"), "", "", row.at("forcing")});
  }
  Conclusion conclusion = conclude(judgements, audit, document->at("complete"));
  (*document)["verdict"] = verdict_name(conclusion.verdict);
  (*document)["reasons"] = conclusion.reasons;
}

}  // namespace tickmlp::bench
