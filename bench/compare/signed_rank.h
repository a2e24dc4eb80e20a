// SPDX-License-Identifier: Apache-2.0
// The signed-rank test of Wilcoxon on paired differences, and the effect that goes with it. Exact for every count and
// with ties: the distribution is computed over the ranks as they stand, so no approximation is needed.
#ifndef TICKMLP_BENCH_SIGNED_RANK_H_
#define TICKMLP_BENCH_SIGNED_RANK_H_
#include <cstddef>
#include <vector>

namespace tickmlp::bench {

inline constexpr std::size_t kMostDifferences = 500;  // 0.1 s of summing

struct SignedRank {
  std::size_t used = 0;              // differences that are not zero; zeros are dropped, as Wilcoxon did
  double plus = 0;                   // sum of the ranks of the positive ones; equal sizes share their mean rank
  double p_greater = 1, p_less = 1;  // one-sided: such a sum or a larger (smaller) one, if signs were tosses of a coin
};
// At most kMostDifferences, all finite.
SignedRank signed_rank(const std::vector<double>& differences);

struct Shift {
  double estimate = 0;       // Hodges-Lehmann: the median of the means of all pairs of differences
  double low = 0, high = 0;  // holds the true shift with a confidence of 1 - 2 * tail
  bool bounded = false;      // false: too few differences for that confidence; low and high are infinite
};
// `tail` in (0, 0.5). Cost: n^2 / 2 means, sorted.
Shift hodges_lehmann(const std::vector<double>& differences, double tail);

}  // namespace tickmlp::bench
#endif
