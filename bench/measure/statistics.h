// SPDX-License-Identifier: Apache-2.0
// What can be said about a percentile from a finite number of samples.
#ifndef TICKMLP_BENCH_STATISTICS_H_
#define TICKMLP_BENCH_STATISTICS_H_
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

// Every figure that a budget can be for: "central", "mean", "min", "max" and the names of the percentiles.
bool known_figure(std::string_view figure);
std::string figure_names();  // "central, mean, min, p50, ... p99.999, max"
// The samples below which a figure is not given: 1 for those that are no percentile.
std::uint64_t fewest_samples(std::string_view figure);
// The figure in ns; nothing below fewest_samples, or where the name is unknown.
std::optional<double> figure_value(const tickmlp_recorder& recorder, std::string_view figure);

// Of all samples, each taken as its slot's middle (exact below 2,048 ns); what lies beyond 2^30 ns as the maximum, since
// no more is known of it. The deviation is the population's (divided by the count), as HdrHistogram gives it. Both 0
// while empty. Slots are summed in ascending order, so equal recorders give equal bits.
struct Moments {
  double mean, deviation;  // ns
};
Moments moments_of(const tickmlp_recorder& recorder);

// Samples above `ns`. A sample is as large as its slot's upper edge, as in every percentile; those of 2^30 ns and more
// are as large as the largest of them.
std::uint64_t count_above(const tickmlp_recorder& recorder, double ns);

// To 0.01 ns, far below what any clock resolves. Figures are judged as they are written, so that whoever reads a
// certificate comes to the same verdict.
double hundredths(double ns);

// Where the median epoch lies with 95 %; the whole range below 6 epochs, which allow no such interval.
Interval epoch_interval(std::vector<double> epochs);

}  // namespace tickmlp::bench
#endif
