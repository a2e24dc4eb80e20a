// SPDX-License-Identifier: Apache-2.0
// Planned arrivals: their spacing, their distribution, and that a seed gives the same ones again.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "measure/schedule.h"

using namespace tickmlp::bench;

TEST_CASE("constant arrivals are evenly spaced, without drift") {
  const Schedule schedule(Arrivals::kConstant, 1e6, 1'000'003, 0.385, 1);
  const double gap = 1000 / 0.385;
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{999}, std::size_t{1'000'002}})
    CHECK_EQ(schedule[i], static_cast<std::uint64_t>(std::llround(gap * static_cast<double>(i + 1))));
}

TEST_CASE("Poisson arrivals have exponential gaps, and the same ones for the same seed") {
  const std::size_t count = 200'000;
  const Schedule schedule(Arrivals::kPoisson, 1e5, count, 1, 7), again(Arrivals::kPoisson, 1e5, count, 1, 7);
  const Schedule other(Arrivals::kPoisson, 1e5, count, 1, 8);
  std::vector<double> gaps;
  bool equal = true, different = false;
  for (std::size_t i = 0; i < count; ++i) {
    gaps.push_back(static_cast<double>(schedule[i] - (i == 0 ? 0 : schedule[i - 1])));
    equal = equal && schedule[i] == again[i];
    different = different || schedule[i] != other[i];
  }
  CHECK(equal);
  CHECK(different);
  double sum = 0, squares = 0;
  for (const double gap : gaps) sum += gap, squares += gap * gap;
  const double mean = sum / count, deviation = std::sqrt(squares / count - mean * mean);
  CHECK_EQ(mean, doctest::Approx(10'000).epsilon(4 / std::sqrt(count)));             // 4 standard errors
  CHECK_EQ(deviation, doctest::Approx(10'000).epsilon(4 * std::sqrt(2.0 / count)));  // of an exponential's deviation
  // Kolmogorov-Smirnov against 1 - exp(-x): 1.95 / sqrt(n) is exceeded once in 1,000.
  std::sort(gaps.begin(), gaps.end());
  double distance = 0;
  for (std::size_t i = 0; i < count; ++i)
    distance = std::max(distance, std::abs(-std::expm1(-gaps[i] / 10'000) - (static_cast<double>(i) + 0.5) / count));
  CHECK_LT(distance, 1.95 / std::sqrt(count) + 1e-4);  // gaps are whole ticks, 1e-4 of the mean
}
