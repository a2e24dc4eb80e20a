// SPDX-License-Identifier: Apache-2.0
// Order-statistic intervals against exact binomial sums; mean, deviation, re-runs and epochs against worked values.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "evidence/summary.h"
#include "measure/statistics.h"

using namespace tickmlp::bench;

namespace {

// P(successes < rank) of `count` draws, in long doubles.
long double below(std::uint64_t rank, std::uint64_t count, long double p) {
  long double sum = 0;
  for (std::uint64_t k = 0; k < rank; ++k)
    sum += std::exp(std::lgamma(count + 1.0L) - std::lgamma(k + 1.0L) - std::lgamma(count - k + 1.0L) +
                    static_cast<long double>(k) * std::log(p) + static_cast<long double>(count - k) * std::log1p(-p));
  return sum;
}

std::unique_ptr<tickmlp_recorder> recorder_of(std::uint64_t count, std::uint64_t value, std::uint64_t slow_count = 0,
                                              std::uint64_t slow = 0) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (std::uint64_t i = 0; i < count; ++i) tickmlp_recorder_record(recorder.get(), value);
  for (std::uint64_t i = 0; i < slow_count; ++i) tickmlp_recorder_record(recorder.get(), slow);
  return recorder;
}

// One re-run for each inner list, of epochs of ten equal samples.
SeriesEvidence series_of(const std::vector<std::vector<std::uint64_t>>& runs) {
  SeriesEvidence series;
  for (const auto& epochs : runs) {
    Run& run = series.runs.emplace_back();
    for (const std::uint64_t value : epochs) run.push_back({0, 0, histogram_of(*recorder_of(10, value))});
  }
  return series;
}

}  // namespace

TEST_CASE("the ranks are the tightest that leave at most 2.5 % a side") {
  for (const auto& [numerator, denominator] : {std::pair<std::uint64_t, std::uint64_t>{1, 2}, {9, 10}, {99, 100}}) {
    const long double p = static_cast<long double>(numerator) / static_cast<long double>(denominator);
    for (const std::uint64_t count : {6, 20, 36, 368, 369, 1000, 3000}) {
      const auto ranks = percentile_ranks(count, numerator, denominator);
      if (!ranks) {
        CHECK((below(1, count, p) > 0.025L || below(count, count, p) < 0.975L));
        continue;
      }
      CAPTURE(count);
      CHECK_LE(below(ranks->low, count, p), 0.025L);
      CHECK_GT(below(ranks->low + 1, count, p), 0.025L);
      CHECK_GE(below(ranks->high, count, p), 0.975L);
      CHECK_LT(below(ranks->high - 1, count, p), 0.975L);
    }
  }
}

TEST_CASE("known intervals, small and huge") {
  const auto twenty = percentile_ranks(20, 1, 2);  // in every table of the sign test
  REQUIRE(twenty);
  CHECK_EQ(twenty->low, 6);
  CHECK_EQ(twenty->high, 15);
  const auto huge = percentile_ranks(10'000'000'000, 1, 2);
  REQUIRE(huge);
  const double half_width = static_cast<double>(huge->high - huge->low) / 2;
  CHECK_EQ(half_width, doctest::Approx(1.959964 * 0.5e5).epsilon(1e-4));
  CHECK_FALSE(percentile_ranks(0, 1, 2));
  CHECK_FALSE(percentile_ranks(100, 1, 1));
}

TEST_CASE("no figure below the samples that an interval takes") {
  for (const Percentile& percentile : kPercentiles) {
    CAPTURE(percentile.name);
    CHECK_FALSE(figure_of(*recorder_of(percentile.fewest - 1, 100), percentile));
    const auto figure = figure_of(*recorder_of(percentile.fewest, 100), percentile);
    REQUIRE(figure);
    CHECK_EQ(figure->value, 100);
    CHECK_EQ(figure->interval.low, 100);
    CHECK_EQ(figure->interval.high, 100);
    CHECK_FALSE(percentile_ranks(percentile.fewest - 2, percentile.numerator, percentile.denominator));
  }
}

TEST_CASE("epochs: the median's interval, the whole range where there are few") {
  std::vector<double> epochs{5, 1, 4, 2, 3};
  CHECK_EQ(epoch_interval(epochs).low, 1);
  CHECK_EQ(epoch_interval(epochs).high, 5);
  epochs.clear();
  for (int i = 20; i >= 1; --i) epochs.push_back(i);
  CHECK_EQ(epoch_interval(epochs).low, 6);
  CHECK_EQ(epoch_interval(epochs).high, 15);
  CHECK_EQ(epoch_interval({}).high, 0);
}

TEST_CASE("mean and deviation, against values worked out by hand") {
  const auto narrow = recorder_of(3, 100, 1, 104);
  CHECK_EQ(moments_of(*narrow).mean, 101);
  CHECK_EQ(moments_of(*narrow).deviation, doctest::Approx(std::sqrt(3.0)));
  // 5,000 lies in the slot 4,992 .. 5,055, whose middle is 5,023.5.
  CHECK_EQ(moments_of(*recorder_of(7, 5000)).mean, 5023.5);
  CHECK_EQ(moments_of(*recorder_of(7, 5000)).deviation, 0);
  const std::uint64_t beyond = std::uint64_t{1} << 31;
  CHECK_EQ(moments_of(*recorder_of(1, 0, 1, beyond)).mean, static_cast<double>(beyond) / 2);
  CHECK_EQ(moments_of(*recorder_of(1, 0, 1, beyond)).deviation, static_cast<double>(beyond) / 2);
  CHECK_EQ(moments_of(*recorder_of(0, 0)).mean, 0);
  // The deviation of a billion samples that differ by one ns is not lost in the size of the sums.
  auto many = recorder_of(1, 1000, 1, 1001);
  many->slots[1000] = many->slots[1001] = 500'000'000, many->count = 1'000'000'000;
  CHECK_EQ(moments_of(*many).deviation, doctest::Approx(0.5));
}

TEST_CASE("samples above a value are counted by the upper edges of their slots") {
  const auto recorder = recorder_of(5, 1000, 3, 5000);
  CHECK_EQ(count_above(*recorder, 999), 8);
  CHECK_EQ(count_above(*recorder, 999.99), 8);
  CHECK_EQ(count_above(*recorder, 1000), 3);
  CHECK_EQ(count_above(*recorder, 5054), 3);
  CHECK_EQ(count_above(*recorder, 5055), 0);
  const auto beyond = recorder_of(5, 1000, 2, std::uint64_t{1} << 31);
  CHECK_EQ(count_above(*beyond, 1e9), 2);
  CHECK_EQ(count_above(*beyond, 2147483647), 2);
  CHECK_EQ(count_above(*beyond, 2147483648), 0);
}

TEST_CASE("figures by name") {
  const auto recorder = recorder_of(999, 100, 1, 1100);
  CHECK_EQ(figure_value(*recorder, "min"), 100);
  CHECK_EQ(figure_value(*recorder, "p50"), 100);
  CHECK_EQ(figure_value(*recorder, "central"), 100);
  CHECK_EQ(figure_value(*recorder, "mean"), 101);
  CHECK_EQ(figure_value(*recorder, "max"), 1100);
  CHECK_FALSE(figure_value(*recorder, "p99.9"));  // a thousand samples are too few
  CHECK_FALSE(figure_value(*recorder, "p98"));
  CHECK_FALSE(figure_value(*recorder_of(0, 0), "min"));
  CHECK_EQ(figure_names(), "central, mean, min, p50, p90, p95, p99, p99.9, p99.99, p99.999, max");
  CHECK_EQ(hundredths(1.004), 1);
  CHECK_EQ(hundredths(1.006), 1.01);
}

TEST_CASE("a summary: all, each re-run, each epoch") {
  SeriesEvidence series = series_of({{100, 110}, {120, 130}, {}});
  series.runs[0].emplace_back();  // an epoch without samples is none either
  const Summary summary = summarise(series);
  CHECK_EQ(summary.all.count, 40);
  CHECK_EQ(summary.all.minimum, 100);
  CHECK_EQ(summary.all.maximum, 130);
  REQUIRE_EQ(summary.runs.size(), 2);  // the one without samples is none
  CHECK_EQ(summary.runs[1].count, 20);
  CHECK_EQ(summary.runs[1].minimum, 120);
  CHECK(summary.epoch_central_ns == std::vector<std::vector<double>>{{100, 110}, {120, 130}});
  CHECK(summary.epoch_mean_ns == summary.epoch_central_ns);
  CHECK_EQ(epoch_spread(summary), doctest::Approx(0.3));
  CHECK_EQ(epoch_spread(summarise({})), 0);
  CHECK_EQ(epoch_spread(summarise(series_of({{100}}))), 0);
}

TEST_CASE("the deciding interval is the hull of the samples' and the re-runs'") {
  const Summary calm = summarise(series_of({{100, 100}, {100, 100}, {120, 120}, {100, 100}, {100, 100}}));
  CHECK_EQ(sample_interval(calm, "p50")->high, 100);
  CHECK_EQ(run_range(calm, "p50")->low, 100);
  CHECK_EQ(run_range(calm, "p50")->high, 120);
  CHECK_EQ(deciding_interval(calm, "p50")->low, 100);
  CHECK_EQ(deciding_interval(calm, "p50")->high, 120);
  // Equal re-runs, each of them broad: the samples' interval is the wider one.
  const Summary broad = summarise(series_of({{100, 120, 100, 120}, {100, 120, 100, 120}}));
  CHECK_EQ(run_range(broad, "p50")->high, 100);
  CHECK_EQ(deciding_interval(broad, "p50")->high, 120);
  // min and max have no interval but their re-runs'.
  const Summary apart = summarise(series_of({{100, 300}, {110, 250}}));
  CHECK_EQ(sample_interval(apart, "max")->low, 300);
  CHECK_EQ(deciding_interval(apart, "max")->low, 250);
  CHECK_EQ(deciding_interval(apart, "min")->high, 110);
  CHECK_FALSE(run_range(apart, "p90"));  // 20 samples a re-run; 36 are needed
  CHECK_FALSE(deciding_interval(apart, "p90"));
  CHECK_FALSE(deciding_interval(summarise({}), "min"));
}
