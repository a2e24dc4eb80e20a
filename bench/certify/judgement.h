// SPDX-License-Identifier: Apache-2.0
// One budget held against one scenario's measurements.
#ifndef TICKMLP_BENCH_JUDGEMENT_H_
#define TICKMLP_BENCH_JUDGEMENT_H_
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "certify/budget.h"
#include "evidence/histogram.h"
#include "measure/statistics.h"

namespace tickmlp::bench {

enum class Verdict { kPass, kFail, kInconclusive };
const char* verdict_name(Verdict verdict);          // "PASS"
int verdict_exit_code(const std::string& verdict);  // 0, 1, 3

inline constexpr std::size_t kFewestRuns = 5;  // whole re-runs that a verdict takes

struct Judgement {
  Budget budget;
  Verdict verdict = Verdict::kInconclusive;
  bool measured = false;     // whether there are value and interval; false: not measured, or too few samples
  double value = 0;          // ns, over all samples
  Interval interval{0, 0};   // what decides: see deciding_interval, widened where `why` says so
  std::uint64_t count = 0;   // samples of the scenario
  std::uint64_t above = 0;   // those above the budget
  bool every_above = false;  // not even the fastest call met the budget, so FAIL stands whatever the machine did
  std::string why{};         // one sentence; names scenario, figure and budget
};

// PASS when the deciding interval lies within the budget, FAIL when beyond it, else INCONCLUSIVE; so too with fewer
// than five re-runs or too few samples. FAIL without all that when even the fastest call took longer. Below 20 clock
// steps a percentile cannot be told from its neighbours: central_ns decides min and p50, and the others need central_ns
// within the budget and an interval wider by one step each way.
Judgement judge(const Budget& budget, const SeriesEvidence& series, std::uint64_t clock_step_ns);

// A budget of the soak, against each interval; the value is the worst interval's. PASS when the 95 % interval of every
// one lies within the budget. FAIL, as an alert becomes critical, when it lies beyond in three intervals in a row or
// beyond ten times the budget in one; FAIL too when not even the fastest call met it. Else INCONCLUSIVE; so too when
// one has too few samples for the figure. Below 20 clock steps each interval is one step wider each way, but for
// central and mean.
Judgement judge_intervals(const Budget& budget, const SeriesEvidence& series, std::uint64_t clock_step_ns);

// Each budget against its own scenario. INCONCLUSIVE with the reason where that was not measured or is one of
// `saturated`, whose calls came faster than they could be answered.
std::vector<Judgement> judge_all(const std::vector<Budget>& budgets, const Evidence& evidence,
                                 const std::set<std::string>& saturated, std::uint64_t clock_step_ns);

}  // namespace tickmlp::bench
#endif
