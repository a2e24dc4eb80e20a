// SPDX-License-Identifier: Apache-2.0
// Whether something got worse with time.
#ifndef TICKMLP_BENCH_SOAK_TREND_H_
#define TICKMLP_BENCH_SOAK_TREND_H_
#include <cstddef>
#include <optional>
#include <vector>

#include "measure/statistics.h"

namespace tickmlp::bench {

// The first tenth of a series (at least one value) beside its last tenth.
struct Tenths {
  std::size_t values;                // in each tenth; with one there is no spread to tell a change from
  double first, last;                // medians
  Interval first_range, last_range;  // of the median: 95 % from 6 values on, the whole range below
  double change;                     // last / first - 1
  Interval change_range;             // least and most that the two ranges allow
};
// Nothing for fewer than two values in the series, or where the first tenth's range reaches 0.
std::optional<Tenths> compare_tenths(const std::vector<double>& series);

// Theil-Sen: the median of the slopes of all pairs, which a few outliers (under 29 %) do not move. 0 for fewer than two
// points. `x` ascending, of the same length. 180,000 pairs for 600 points: 2 ms.
double robust_slope(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace tickmlp::bench
#endif
