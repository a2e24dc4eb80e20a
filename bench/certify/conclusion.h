// SPDX-License-Identifier: Apache-2.0
// The verdict over everything: the bits, the budgets, the audit.
#ifndef TICKMLP_BENCH_CONCLUSION_H_
#define TICKMLP_BENCH_CONCLUSION_H_
#include <string>
#include <vector>

#include "audit/audit.h"
#include "certify/judgement.h"

namespace tickmlp::bench {

// How the run itself went.
struct Outcome {
  std::string mismatch;               // "" when all results were right, else the first wrong one in words
  int interrupt_signal = 0;           // 0: none
  bool complete = true;               // everything that was planned was measured
  std::vector<std::string> doubts{};  // sentences: what else keeps the verdict from PASS
};

struct Conclusion {
  Verdict verdict = Verdict::kInconclusive;
  std::vector<std::string> reasons;  // sentences, at least one; one a cause, the most important first
};

// In this order: wrong results are FAIL; an interrupted run is INCONCLUSIVE, and so is one without a budget, whose
// further reasons are what would have kept one with a budget from PASS. A budget
// that not even the fastest call met is FAIL. An audit row that forces and does not pass is INCONCLUSIVE: what is slow
// may be the machine, and what is fast may not last. Then FAIL when a budget is exceeded, INCONCLUSIVE when one cannot
// be told or there is any other doubt, and else PASS.
Conclusion conclude(const std::vector<Judgement>& judgements, const std::vector<AuditRow>& audit,
                    const Outcome& outcome);

}  // namespace tickmlp::bench
#endif
