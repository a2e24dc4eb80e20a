// SPDX-License-Identifier: Apache-2.0
// Budgets ("p99=1us") and the verdict over them.
#ifndef TICKMLP_BENCH_BUDGET_H_
#define TICKMLP_BENCH_BUDGET_H_
#include <string>
#include <vector>

#include "audit/audit.h"
#include "measure/statistics.h"

namespace tickmlp::bench {

enum class Verdict { kPass, kFail, kInconclusive };
const char* verdict_name(Verdict verdict);  // "PASS"
int exit_code(Verdict verdict);

struct Budget {
  std::string figure;  // central, min, max or a percentile's name
  double ns;
};

// "p99=1us" or several, comma separated. Returns "" or what is wrong with the text; good ones are appended.
std::string parse_budgets(const std::string& text, std::vector<Budget>* budgets);

// "1us", "250ns", "1.5ms".
std::string describe_ns(double ns);

struct Judgement {
  Budget budget;
  Verdict verdict;
  bool measured;      // false: too few samples for the figure
  double value;       // ns
  Interval interval;  // what decides: 95 %, widened as `why` says
  std::string why;
};

// One budget against one scenario. Below 20 clock steps a percentile cannot be told from its neighbours, so central_ns
// decides min and p50, and the others need central_ns within the budget and an interval wider by one step each way.
Judgement judge(const Budget& budget, const tickmlp_recorder& recorder, const std::vector<double>& epoch_central,
                const tickmlp_clock& clock);

struct Conclusion {
  Verdict verdict;
  std::vector<std::string> reasons;  // in words, at least one
};

// FAIL when a budget is clearly exceeded; PASS only when all are clearly met and every forcing audit row passes.
Conclusion conclude(const std::vector<Judgement>& judgements, const std::vector<AuditRow>& audit, bool complete);

}  // namespace tickmlp::bench
#endif
