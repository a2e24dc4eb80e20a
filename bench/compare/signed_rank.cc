// SPDX-License-Identifier: Apache-2.0
#include "compare/signed_rank.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace tickmlp::bench {
namespace {

// Ranks of the absolute values, doubled: the mean rank of ties is a whole number then.
std::vector<std::size_t> doubled_ranks(const std::vector<double>& differences) {
  std::vector<std::size_t> order(differences.size()), ranks(differences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto size = [&](std::size_t i) { return std::abs(differences[i]); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return size(a) < size(b); });
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && size(order[last + 1]) == size(order[first])) ++last;
    for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = first + last + 2;  // twice the mean of 1-based ranks
    first = last + 1;
  }
  return ranks;
}

// probability[s]: that the doubled ranks of the positive signs sum to s when each sign is a toss of a coin. Halving
// at each step keeps it within the range of a double for any count; the sums are of positive terms, so no digits go.
std::vector<double> distribution(const std::vector<std::size_t>& ranks) {
  const std::size_t total = std::accumulate(ranks.begin(), ranks.end(), std::size_t{0});
  std::vector<double> probability(total + 1, 0.0);
  probability[0] = 1;
  std::size_t reached = 0;
  for (const std::size_t rank : ranks) {
    reached += rank;
    for (std::size_t s = reached + 1; s-- > 0;)
      probability[s] = 0.5 * (probability[s] + (s >= rank ? probability[s - rank] : 0));
  }
  return probability;
}

double sum_of(const std::vector<double>& values, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t i) { return values.begin() + static_cast<std::ptrdiff_t>(i); };
  return std::min(1.0, std::accumulate(at(begin), at(end), 0.0));
}

}  // namespace

SignedRank signed_rank(const std::vector<double>& differences) {
  std::vector<double> used;
  for (const double difference : differences)
    if (difference != 0) used.push_back(difference);
  SignedRank result;
  result.used = used.size();
  if (used.empty()) return result;
  const std::vector<std::size_t> ranks = doubled_ranks(used);
  std::size_t plus = 0;
  for (std::size_t i = 0; i < used.size(); ++i) plus += used[i] > 0 ? ranks[i] : 0;
  const std::vector<double> probability = distribution(ranks);
  result.plus = static_cast<double>(plus) / 2;
  result.p_greater = sum_of(probability, plus, probability.size());
  result.p_less = sum_of(probability, 0, plus + 1);
  return result;
}

Shift hodges_lehmann(const std::vector<double>& differences, double tail) {
  const std::size_t n = differences.size();
  Shift shift{0, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), false};
  if (n == 0) return shift;
  std::vector<double> means;
  means.reserve(n * (n + 1) / 2);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) means.push_back(0.5 * (differences[i] + differences[j]));
  std::sort(means.begin(), means.end());
  shift.estimate = 0.5 * (means[(means.size() - 1) / 2] + means[means.size() / 2]);

  // The shifts that the test would not reject: `outside` means lie beyond either end, the largest number of which the
  // rank sum stays below with a probability of at most `tail`.
  std::vector<std::size_t> ranks(n);
  for (std::size_t i = 0; i < n; ++i) ranks[i] = 2 * (i + 1);
  const std::vector<double> probability = distribution(ranks);
  std::size_t outside = 0;
  for (double below = 0; outside < means.size() / 2; ++outside)
    if ((below += probability[2 * outside]) > tail) break;
  if (outside == 0) return shift;
  shift.low = means[outside - 1];
  shift.high = means[means.size() - outside];
  shift.bounded = true;
  return shift;
}

}  // namespace tickmlp::bench
