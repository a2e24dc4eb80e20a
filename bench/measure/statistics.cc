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

double slot_middle(std::uint32_t slot) {
  const std::uint64_t lower = slot == 0 ? 0 : tickmlp_recorder_slot_upper(slot - 1) + 1;
  return 0.5 * (static_cast<double>(lower) + static_cast<double>(tickmlp_recorder_slot_upper(slot)));
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

bool known_figure(std::string_view figure) { return fewest_samples(figure) != 0; }

std::string figure_names() {
  std::string names = "central, mean, min";
  for (const Percentile& percentile : kPercentiles) names += std::string(", ") + percentile.name;
  return names + ", max";
}

std::uint64_t fewest_samples(std::string_view figure) {
  for (const Percentile& percentile : kPercentiles)
    if (figure == percentile.name) return percentile.fewest;
  return figure == "central" || figure == "mean" || figure == "min" || figure == "max" ? 1 : 0;
}

std::optional<double> figure_value(const tickmlp_recorder& recorder, std::string_view figure) {
  if (!known_figure(figure) || recorder.count < fewest_samples(figure)) return std::nullopt;
  if (figure == "central") return hundredths(tickmlp_recorder_central(&recorder));
  if (figure == "mean") return hundredths(moments_of(recorder).mean);
  if (figure == "min") return static_cast<double>(recorder.minimum);
  if (figure == "max") return static_cast<double>(recorder.maximum);
  for (const Percentile& percentile : kPercentiles)
    if (figure == percentile.name)
      return static_cast<double>(tickmlp_recorder_percentile(&recorder, percentile.numerator, percentile.denominator));
  return std::nullopt;
}

Moments moments_of(const tickmlp_recorder& recorder) {
  if (recorder.count == 0) return {0, 0};
  const auto count = static_cast<double>(recorder.count), beyond = static_cast<double>(recorder.beyond);
  const auto maximum = static_cast<double>(recorder.maximum);
  double sum = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot)
    sum += static_cast<double>(recorder.slots[slot]) * slot_middle(slot);
  const double mean = (sum + beyond * maximum) / count;
  // A second pass, since the difference of two large sums would lose the deviation of a narrow distribution.
  double squares = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    const double distance = slot_middle(slot) - mean;
    squares += static_cast<double>(recorder.slots[slot]) * distance * distance;
  }
  squares += beyond * (maximum - mean) * (maximum - mean);
  return {mean, std::sqrt(squares / count)};
}

std::uint64_t count_above(const tickmlp_recorder& recorder, double ns) {
  std::uint64_t above = static_cast<double>(recorder.maximum) > ns ? recorder.beyond : 0;
  for (std::uint32_t slot = TICKMLP_RECORDER_SLOTS; slot-- > 0;) {
    if (static_cast<double>(tickmlp_recorder_slot_upper(slot)) <= ns) break;
    above += recorder.slots[slot];
  }
  return above;
}

double hundredths(double ns) { return std::round(ns * 100) / 100; }

Interval epoch_interval(std::vector<double> epochs) {
  if (epochs.empty()) return {0, 0};
  std::sort(epochs.begin(), epochs.end());
  const auto ranks = percentile_ranks(epochs.size(), 1, 2);
  if (!ranks) return {epochs.front(), epochs.back()};
  return {epochs[ranks->low - 1], epochs[ranks->high - 1]};
}

}  // namespace tickmlp::bench
