// SPDX-License-Identifier: Apache-2.0
#include "measure/statistics.h"

#include <algorithm>
#include <cmath>

namespace tickmlp::bench {
namespace {

constexpr double kTail = 0.025;
constexpr double kFarAway = 12;  // standard deviations; what lies beyond is below 1e-12 even in a Poisson's tail

double log_probability(std::uint64_t successes, std::uint64_t count, double p) {
  const auto k = static_cast<double>(successes), n = static_cast<double>(count);
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) + (n - k) * std::log1p(-p);
}

// Largest l with P(successes < l) <= 2.5 %, of `count` draws; 0 when even one success is too likely to be missing.
// The sum begins kFarAway below the mean, so it takes some 12 standard deviations of steps: 600,000 for 10^10 draws.
std::uint64_t lower_rank(std::uint64_t count, double p) {
  const double n = static_cast<double>(count), mean = n * p, deviation = std::sqrt(n * p * (1 - p));
  const double begin = std::floor(mean - kFarAway * (deviation + 1));
  auto k = begin > 0 ? static_cast<std::uint64_t>(begin) : 0;
  double probability = std::exp(log_probability(k, count, p)), sum = probability;
  while (sum <= kTail) {
    probability *= (n - static_cast<double>(k)) / (static_cast<double>(k) + 1) * (p / (1 - p));
    sum += probability;
    ++k;
  }
  return k;  // P(successes <= k - 1) was still within the tail
}

}  // namespace

std::optional<Ranks> percentile_ranks(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator) {
  if (count == 0 || numerator == 0 || numerator >= denominator) return std::nullopt;
  const double p = static_cast<double>(numerator) / static_cast<double>(denominator);
  const double q = static_cast<double>(denominator - numerator) / static_cast<double>(denominator);
  const std::uint64_t low = lower_rank(count, p);
  // The upper end is the lower end seen from the other side: how few samples may lie above the percentile.
  const std::uint64_t above = lower_rank(count, q);
  if (low == 0 || above == 0) return std::nullopt;
  return Ranks{low, count + 1 - above};
}

std::optional<Figure> figure_of(const tickmlp_recorder& recorder, const Percentile& percentile) {
  if (recorder.count < percentile.fewest) return std::nullopt;
  const auto ranks = percentile_ranks(recorder.count, percentile.numerator, percentile.denominator);
  if (!ranks) return std::nullopt;
  const auto at_rank = [&](std::uint64_t rank) {
    return static_cast<double>(tickmlp_recorder_percentile(&recorder, rank, recorder.count));
  };
  return Figure{tickmlp_recorder_percentile(&recorder, percentile.numerator, percentile.denominator),
                {at_rank(ranks->low), at_rank(ranks->high)}};
}

Interval epoch_interval(std::vector<double> epochs) {
  if (epochs.empty()) return {0, 0};
  std::sort(epochs.begin(), epochs.end());
  const auto ranks = percentile_ranks(epochs.size(), 1, 2);
  if (!ranks) return {epochs.front(), epochs.back()};
  return {epochs[ranks->low - 1], epochs[ranks->high - 1]};
}

}  // namespace tickmlp::bench
