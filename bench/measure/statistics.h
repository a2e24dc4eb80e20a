// SPDX-License-Identifier: Apache-2.0
// What can be said about a percentile from a finite number of samples.
#ifndef TICKMLP_BENCH_STATISTICS_H_
#define TICKMLP_BENCH_STATISTICS_H_
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

struct Percentile {
  const char* field;  // in the report: p99_9_ns
  const char* name;   // on the command line and in the table: p99.9
  std::uint64_t numerator, denominator;
  std::uint64_t fewest;  // samples below which no figure is given: there is no two-sided 95 % interval
};
inline constexpr std::array<Percentile, 7> kPercentiles{{{"p50_ns", "p50", 1, 2, 6},
                                                         {"p90_ns", "p90", 9, 10, 36},
                                                         {"p95_ns", "p95", 19, 20, 72},
                                                         {"p99_ns", "p99", 99, 100, 368},
                                                         {"p99_9_ns", "p99.9", 999, 1000, 3688},
                                                         {"p99_99_ns", "p99.99", 9999, 10000, 36888},
                                                         {"p99_999_ns", "p99.999", 99999, 100000, 368888}}};

struct Ranks {
  std::uint64_t low, high;  // 1-based ranks of the sorted samples
};

// The order statistics that hold the true percentile between them with at least 95 % (2.5 % a side, exact binomial);
// nothing when no two samples do.
std::optional<Ranks> percentile_ranks(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator);

struct Interval {
  double low, high;  // ns
};
struct Figure {
  std::uint64_t value;  // ns
  Interval interval;    // 95 %
};
// Nothing below percentile.fewest samples.
std::optional<Figure> figure_of(const tickmlp_recorder& recorder, const Percentile& percentile);

// Where the median epoch lies with 95 %; the whole range below 6 epochs, which allow no such interval.
Interval epoch_interval(std::vector<double> epochs);

}  // namespace tickmlp::bench
#endif
