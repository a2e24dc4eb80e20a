// SPDX-License-Identifier: Apache-2.0
// The recorder against sorted samples: percentiles, central mean, merge, what lies beyond the range.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace {

constexpr std::uint64_t kRange = std::uint64_t{1} << 30;
using Samples = std::vector<std::uint64_t>;

std::unique_ptr<tickmlp_recorder> record(const Samples& samples) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const std::uint64_t sample : samples) tickmlp_recorder_record(recorder.get(), sample);
  return recorder;
}

// Exact to 2,047 ns; above, at most 1/64 too high and never too low; beyond the range, the maximum.
void check_value(std::uint64_t seen, std::uint64_t exact, std::uint64_t maximum) {
  if (exact < 2048) CHECK_EQ(seen, exact);
  else if (exact >= kRange) CHECK_EQ(seen, maximum);
  else {
    CHECK_GE(seen, exact);
    CHECK_LE(seen, std::min(maximum, exact + exact / 64));
  }
}

// Mean of the samples between the tenth and the ninetieth hundredth, fractions of samples weighted.
double exact_central(const Samples& sorted) {
  const double cut = 0.1 * static_cast<double>(sorted.size());
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double begin = std::max(static_cast<double>(i), cut);
    const double end = std::min(static_cast<double>(i) + 1, static_cast<double>(sorted.size()) - cut);
    if (end > begin) sum += (end - begin) * static_cast<double>(sorted[i]);
  }
  return sum / (0.8 * static_cast<double>(sorted.size()));
}

void check_against_sorted(Samples samples) {
  const auto recorder = record(samples);
  std::sort(samples.begin(), samples.end());
  const std::uint64_t count = samples.size(), maximum = samples.back();
  CHECK_EQ(recorder->count, count);
  CHECK_EQ(recorder->minimum, samples.front());
  CHECK_EQ(recorder->maximum, maximum);
  for (const auto& [numerator, denominator] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 1}, {1, 2}, {1, 3}, {9, 10}, {99, 100}, {999, 1000}, {9999, 10000}, {99999, 100000}, {1, 1}}) {
    const std::uint64_t rank = std::max<std::uint64_t>(1, (count * numerator + denominator - 1) / denominator);
    CAPTURE(rank);
    check_value(tickmlp_recorder_percentile(recorder.get(), numerator, denominator), samples[rank - 1], maximum);
  }
  if (maximum < kRange) {
    const double exact = exact_central(samples), seen = tickmlp_recorder_central(recorder.get());
    CHECK_LE(std::fabs(seen - exact), maximum < 2048 ? 1e-9 * exact : exact / 128);
  }
}

Samples draw(std::size_t count, const std::function<double(std::mt19937_64&)>& one) {
  std::mt19937_64 random(20240607);
  Samples samples(count);
  for (std::uint64_t& sample : samples) sample = static_cast<std::uint64_t>(one(random));
  return samples;
}

}  // namespace

TEST_CASE("0 samples and 1 sample") {
  const auto empty = record({});
  CHECK_EQ(tickmlp_recorder_percentile(empty.get(), 1, 2), 0);
  CHECK_EQ(tickmlp_recorder_central(empty.get()), 0);
  CHECK_EQ(empty->minimum, UINT64_MAX);
  for (const std::uint64_t value : {0ul, 1ul, 2047ul, 2048ul, 2049ul, 123456789ul, kRange - 1, kRange, UINT64_MAX}) {
    const auto one = record({value});
    CAPTURE(value);
    for (const std::uint64_t numerator : {0ul, 1ul, 50ul, 100ul})
      CHECK_EQ(tickmlp_recorder_percentile(one.get(), numerator, 100), value);  // never above the exact maximum
    CHECK_EQ(one->beyond, value >= kRange ? 1 : 0);
  }
}

TEST_CASE("ranks are taken in integers") {
  Samples samples(200000);  // 0 below rank 199,801, then 7: 0.999 * 200,000 in doubles would give 7
  for (std::size_t i = 199800; i < samples.size(); ++i) samples[i] = 7;
  CHECK_EQ(tickmlp_recorder_percentile(record(samples).get(), 999, 1000), 0);
  samples[199799] = 7;
  CHECK_EQ(tickmlp_recorder_percentile(record(samples).get(), 999, 1000), 7);
}

TEST_CASE("ranks do not overflow 64 bits") {
  auto recorder = record({});
  recorder->slots[5] = UINT64_MAX - 1;
  recorder->slots[9] = 1;
  recorder->count = UINT64_MAX;
  recorder->minimum = 5;
  recorder->maximum = 9;
  CHECK_EQ(tickmlp_recorder_percentile(recorder.get(), 99999, 100000), 5);
  CHECK_EQ(tickmlp_recorder_percentile(recorder.get(), 1, 1), 9);
  CHECK_EQ(tickmlp_recorder_percentile(recorder.get(), UINT64_MAX - 1, UINT64_MAX), 5);
  CHECK_LE(std::fabs(tickmlp_recorder_central(recorder.get()) - 5), 1e-9);
}

TEST_CASE("against sorted samples") {
  std::mt19937_64 random(7);
  SUBCASE("all the same") { check_against_sorted(Samples(1000, 630)); }
  SUBCASE("all the same, large") { check_against_sorted(Samples(1000, 1048577)); }
  SUBCASE("two values at each side of a slot's edge") {
    Samples samples(5000, 2079);
    samples.resize(10000, 2080);
    check_against_sorted(samples);
  }
  SUBCASE("a clock that steps by 10 ns") {
    check_against_sorted(
        draw(30000, [](auto& r) { return 10 * std::floor(60 + std::normal_distribution<>(0, 2)(r)); }));
  }
  SUBCASE("exactly representable") {
    check_against_sorted(draw(20001, [](auto& r) { return std::uniform_real_distribution<>(0, 2048)(r); }));
  }
  SUBCASE("even over the logarithm") {
    check_against_sorted(draw(40000, [](auto& r) { return std::exp2(std::uniform_real_distribution<>(0, 29.9)(r)); }));
  }
  SUBCASE("one far outlier in many") {
    Samples samples(100000, 100);
    samples[77777] = 999999999;
    check_against_sorted(samples);
  }
  SUBCASE("Pareto, some beyond the range") {
    check_against_sorted(draw(
        50000, [](auto& r) { return std::min(1e18, 500 / std::pow(std::uniform_real_distribution<>(0, 1)(r), 2)); }));
  }
  SUBCASE("small counts") {
    for (std::size_t count = 1; count < 60; ++count)
      check_against_sorted(draw(count, [&](auto& r) { return std::exponential_distribution<>(1e-3)(r); }));
  }
}

// Every rank there is, not only the usual percentiles.
void check_every_rank(Samples samples) {
  const auto recorder = record(samples);
  std::sort(samples.begin(), samples.end());
  for (std::uint64_t rank = 1; rank <= samples.size(); ++rank)
    check_value(tickmlp_recorder_percentile(recorder.get(), rank, samples.size()), samples[rank - 1], samples.back());
}

TEST_CASE("every rank against sorted samples: octave edges, extremes, any order") {
  Samples edges;
  for (std::uint32_t octave = 0; octave < 34; ++octave)
    for (std::int64_t offset = -2; offset <= 2; ++offset)
      edges.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(0, (std::int64_t{1} << octave) + offset)));
  edges.push_back(UINT64_MAX);
  Samples extremes;
  for (std::uint64_t i = 0; i < 500; ++i)
    extremes.push_back(i % 3 == 0 ? 0 : i % 3 == 1 ? kRange - 1 - i : 2047 + i % 2);
  for (Samples samples : {edges, extremes}) {
    const auto first = record(samples);
    std::sort(samples.begin(), samples.end());  // each one a new maximum
    const auto rising = record(samples);
    check_every_rank(samples);
    std::reverse(samples.begin(), samples.end());  // each one a new minimum
    const auto falling = record(samples);
    check_every_rank(samples);
    CHECK_EQ(std::memcmp(first.get(), rising.get(), sizeof *first), 0);
    CHECK_EQ(std::memcmp(first.get(), falling.get(), sizeof *first), 0);
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {  // each with a shape of its own: some narrow, some over all octaves
    const double low = std::uniform_real_distribution<>(0, 31)(random);
    const double high = std::uniform_real_distribution<>(low, 31)(random);
    Samples samples(1 + random() % 300);
    for (std::uint64_t& sample : samples)
      sample = static_cast<std::uint64_t>(std::exp2(std::uniform_real_distribution<>(low, high)(random)));
    check_every_rank(samples);
  }
}

TEST_CASE("what lies beyond the range is counted and enters as the exact maximum") {
  Samples samples(90, 100);
  for (std::uint64_t i = 0; i < 10; ++i) samples.push_back(kRange + i);
  const auto recorder = record(samples);
  CHECK_EQ(recorder->count, 100);
  CHECK_EQ(recorder->beyond, 10);
  CHECK_EQ(tickmlp_recorder_percentile(recorder.get(), 90, 100), 100);
  CHECK_EQ(tickmlp_recorder_percentile(recorder.get(), 91, 100), kRange + 9);
  CHECK_EQ(tickmlp_recorder_central(recorder.get()), 100);
  const auto all = record(Samples(10, 5 * kRange));
  CHECK_EQ(tickmlp_recorder_central(all.get()), doctest::Approx(5.0 * static_cast<double>(kRange)));
}

TEST_CASE("central cuts exactly a tenth at each end, through a slot where it must") {
  CHECK_EQ(tickmlp_recorder_central(record({1, 2, 3, 4, 5, 6, 7, 8, 9, 1000}).get()), 5.5);
  // 5 samples: half a sample is cut at each end, 0.5 * 0 + 10 + 20 + 30 + 0.5 * 100 over 4.
  CHECK_EQ(tickmlp_recorder_central(record({100, 0, 10, 20, 30}).get()), 27.5);
  Samples samples(15, 20);
  samples.resize(100, 30);  // a clock's two steps: 5 of 80 at 20
  CHECK_EQ(tickmlp_recorder_central(record(samples).get()), doctest::Approx((5 * 20 + 75 * 30) / 80.0));
}

TEST_CASE("a merge equals recording everything into one, whatever the ranges") {
  const Samples low = draw(1000, [](auto& r) { return std::uniform_real_distribution<>(0, 50)(r); });
  const Samples high = draw(777, [](auto& r) { return std::exp2(std::uniform_real_distribution<>(20, 40)(r)); });
  Samples both = low;
  both.insert(both.end(), high.begin(), high.end());
  const auto merged = record(low), other = record(high), empty = record({}), expected = record(both);
  tickmlp_recorder_merge(merged.get(), other.get());
  tickmlp_recorder_merge(merged.get(), empty.get());
  tickmlp_recorder_merge(empty.get(), merged.get());
  for (const tickmlp_recorder* seen : {merged.get(), empty.get()}) {
    CHECK(std::equal(seen->slots, seen->slots + TICKMLP_RECORDER_SLOTS, expected->slots));
    CHECK_EQ(seen->count, expected->count);
    CHECK_EQ(seen->beyond, expected->beyond);
    CHECK_EQ(seen->minimum, expected->minimum);
    CHECK_EQ(seen->maximum, expected->maximum);
  }
}

TEST_CASE("many parts, merged in any order, equal the whole") {
  std::mt19937_64 random(11);
  const Samples all = draw(30000, [](auto& r) { return std::exp2(std::uniform_real_distribution<>(0, 31)(r)); });
  std::vector<Samples> parts(17);  // about as many samples in each; the last stays empty
  for (const std::uint64_t sample : all) parts[random() % 16].push_back(sample);
  std::shuffle(parts.begin(), parts.end(), random);
  const auto merged = record({}), expected = record(all);
  for (const Samples& part : parts) tickmlp_recorder_merge(merged.get(), record(part).get());
  CHECK_EQ(std::memcmp(merged.get(), expected.get(), sizeof *merged), 0);
}
