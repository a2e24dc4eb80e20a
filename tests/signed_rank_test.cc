// SPDX-License-Identifier: Apache-2.0
// The signed-rank test against every assignment of signs, against printed tables, and its interval against its own
// test. tests/cli/test_compare_statistics.py holds it against scipy.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "compare/signed_rank.h"

using namespace tickmlp::bench;

namespace {

// P(rank sum of the positive signs >= seen), by trying all 2^n signs; mean ranks for ties.
double by_enumeration(const std::vector<double>& differences, bool less) {
  const std::size_t n = differences.size();
  std::vector<double> ranks(n);
  for (std::size_t i = 0; i < n; ++i) {
    double below = 0, equal = 0;
    for (const double other : differences) {
      below += std::abs(other) < std::abs(differences[i]);
      equal += std::abs(other) == std::abs(differences[i]);
    }
    ranks[i] = below + (equal + 1) / 2;
  }
  double seen = 0;
  for (std::size_t i = 0; i < n; ++i) seen += differences[i] > 0 ? ranks[i] : 0;
  std::size_t as_extreme = 0;
  for (std::size_t signs = 0; signs < (std::size_t{1} << n); ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += (signs >> i & 1) != 0 ? ranks[i] : 0;
    as_extreme += less ? sum <= seen : sum >= seen;
  }
  return static_cast<double>(as_extreme) / static_cast<double>(std::size_t{1} << n);
}

// n differences of sizes 1 .. n, of which the smallest ranks that sum to `minus` are negative.
std::vector<double> with_negative_sum(std::size_t n, std::size_t minus) {
  std::vector<double> differences(n);
  for (std::size_t rank = n; rank >= 1; --rank) {
    const bool negative = minus >= rank;
    if (negative) minus -= rank;
    differences[rank - 1] = negative ? -static_cast<double>(rank) : static_cast<double>(rank);
  }
  return differences;
}

}  // namespace

TEST_CASE("exact against every assignment of signs, with ties and without") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + random() % 12;
    const int most = trial % 2 == 0 ? 4 : 100'000;  // small whole numbers tie often
    std::vector<double> differences;
    while (differences.size() < n) {
      const int value = static_cast<int>(random() % (2 * static_cast<unsigned>(most) + 1)) - most;
      if (value != 0) differences.push_back(value);
    }
    const SignedRank seen = signed_rank(differences);
    CHECK_EQ(seen.used, n);
    CHECK_EQ(seen.p_greater, doctest::Approx(by_enumeration(differences, false)).epsilon(1e-12));
    CHECK_EQ(seen.p_less, doctest::Approx(by_enumeration(differences, true)).epsilon(1e-12));
  }
}

TEST_CASE("critical values of the printed tables") {
  // n, the largest smaller rank sum that is significant at 0.005 of one side (Wilcoxon and Wilcox 1964).
  const std::size_t table[][2] = {{8, 0}, {9, 1}, {10, 3}, {12, 7}, {15, 15}, {20, 37}, {25, 68}, {30, 109}, {50, 373}};
  for (const auto& [n, critical] : table) {
    const std::size_t pairs = n;  // clang 14 captures no structured binding
    CAPTURE(pairs);
    CHECK_LE(signed_rank(with_negative_sum(n, critical)).p_greater, 0.005);
    CHECK_GT(signed_rank(with_negative_sum(n, critical + 1)).p_greater, 0.005);
  }
}

TEST_CASE("zeros are dropped, and nothing is left of nothing") {
  CHECK_EQ(signed_rank({}).p_greater, 1);
  CHECK_EQ(signed_rank({0, 0}).used, 0);
  CHECK_EQ(signed_rank({0, 0}).p_less, 1);
  const SignedRank seen = signed_rank({0, 3, 0, -1, 2});
  CHECK_EQ(seen.used, 3);
  CHECK_EQ(seen.plus, 5);
  CHECK_EQ(seen.p_greater, doctest::Approx(2.0 / 8));
  CHECK_EQ(seen.p_less, doctest::Approx(7.0 / 8));
}

TEST_CASE("many differences: the normal distribution is met, and no digits are lost") {
  const std::size_t n = kMostDifferences;
  const double mean = n * (n + 1) / 4.0, deviation = std::sqrt(n * (n + 1.0) * (2 * n + 1) / 24);
  const SignedRank seen = signed_rank(with_negative_sum(n, static_cast<std::size_t>(mean - 2 * deviation)));
  CHECK_EQ(seen.p_greater, doctest::Approx(0.5 * std::erfc(2 / std::sqrt(2.0))).epsilon(0.01));
  CHECK_EQ(signed_rank(with_negative_sum(n, 0)).p_greater, doctest::Approx(std::pow(0.5, n)).epsilon(1e-9));
}

TEST_CASE("the shift is the median of the means of pairs") {
  const Shift shift = hodges_lehmann({1, 2, 6}, 0.005);
  CHECK_EQ(shift.estimate, (2 + 3.5) / 2);  // of 1, 1.5, 2, 3.5, 4, 6
  CHECK_FALSE(shift.bounded);
  CHECK(std::isinf(shift.low));
  CHECK_EQ(hodges_lehmann({4}, 0.005).estimate, 4);
  CHECK_FALSE(hodges_lehmann({}, 0.005).bounded);
  CHECK_FALSE(hodges_lehmann(std::vector<double>(7, 1.0), 0.005).bounded);
  const Shift eight = hodges_lehmann({1, 2, 3, 4, 5, 6, 7, 100}, 0.005);
  CHECK(eight.bounded);
  CHECK_EQ(eight.low, 1);
  CHECK_EQ(eight.high, 100);
}

TEST_CASE("the interval holds what the test does not reject, and nothing else") {
  std::mt19937 random(2);
  std::normal_distribution<double> noise(3, 10);
  for (const std::size_t n : {8, 13, 30, 50}) {
    std::vector<double> differences(n);
    for (double& difference : differences) difference = noise(random);
    const Shift shift = hodges_lehmann(differences, 0.005);
    const auto moved = [&](double by) {
      std::vector<double> values = differences;
      for (double& value : values) value -= by;
      const SignedRank test = signed_rank(values);
      return std::min(test.p_greater, test.p_less);
    };
    CAPTURE(n);
    CHECK_GT(moved(shift.low + 1e-9), 0.005);
    CHECK_LE(moved(shift.low - 1e-9), 0.005);
    CHECK_GT(moved(shift.high - 1e-9), 0.005);
    CHECK_LE(moved(shift.high + 1e-9), 0.005);
  }
}
