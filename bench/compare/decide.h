// SPDX-License-Identifier: Apache-2.0
// From the runs of A and B to one word.
#ifndef TICKMLP_BENCH_DECIDE_H_
#define TICKMLP_BENCH_DECIDE_H_
#include <cstdint>
#include <string>
#include <vector>

#include "compare/signed_rank.h"

namespace tickmlp::bench {

enum class Outcome { kSame, kFaster, kSlower, kInconclusive };  // B against A
const char* outcome_name(Outcome outcome);                      // "same", "faster", "slower", "inconclusive"
int outcome_exit_code(Outcome outcome);                         // 0, 0, 1, 3

// An effect below 3 % or 2 ns is no regression, however sure it is: the next compiler moves code by as much.
inline constexpr double kLeastShare = 0.03, kLeastNs = 2.0;
// Where all samples show one of two neighbouring values of the clock, leaving out a tenth at either end moves the
// central mean by at most a tenth of the step; in two runs, by a fifth. The recorder's own slots are 1.6 % wide from
// 2,048 ns on, a fifth of which is far below 3 %.
inline constexpr double kResolvedSteps = 0.2;
// Of either side: whatever the noise, chance alone passes the test in one comparison of 500, minimum effect aside. It
// takes 9 pairs at least. The interval beside it holds the true difference with 99.6 %.
inline constexpr double kTail = 0.002;
inline constexpr double kConfidence = 1 - 2 * kTail;
inline constexpr int kFewestPairs = 9;

double minimum_effect_ns(double base_ns, double step_ns);

// The runs of one pair, made one right after the other. Centrals have the timer in them, ns.
struct PairOfRuns {
  double a_ns, b_ns, a_timer_ns, b_timer_ns;
};

struct Decision {
  Outcome outcome = Outcome::kInconclusive;
  double a_ns = 0, b_ns = 0;  // medians of the runs' centrals, the timer in them
  double timer_ns = 0;        // median of all runs
  double base_ns = 0;         // a_ns without the timer; what per cents are of
  double minimum_ns = 0;      // the minimum effect
  Shift shift;                // B - A, ns; the timer is in both and falls out
  SignedRank test;
  std::string why;  // for people
  double percent(double ns) const { return base_ns > 0 ? 100 * ns / base_ns : 0; }
};
Decision decide(const std::vector<PairOfRuns>& pairs, double step_ns);

double median(std::vector<double> values);  // 0 of none

}  // namespace tickmlp::bench
#endif
