// SPDX-License-Identifier: Apache-2.0
// How often a 95 % interval holds the true percentile, tried on distributions whose percentiles are known.
//
// The interval is [X(low), X(high)] of the sorted samples; it holds the percentile q when B, the number of samples
// below q, is in low .. high - 1. B is binomial whatever the distribution, so the exact coverage is a sum over its
// probabilities. 1,000 trials estimate 96 % with a standard deviation of 0.6 points, so 2 points are more than three;
// the many small cases take 4,000 trials, since among so many some would be as far off as that by chance.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "evidence/histogram.h"
#include "measure/statistics.h"

using namespace tickmlp::bench;

namespace {

constexpr double kClockStep = 10;

using Random = std::mt19937_64;  // the standard fixes its sequence; that of std's distributions it does not
double uniform(Random& random) { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; }  // in (0, 1)

// Latencies in ns.
struct Distribution {
  const char* name;
  double (*draw)(Random&);
  double (*below)(double ns);  // P(X <= ns)
};

// 97 % around 900 ns, 3 % anywhere up to 50 us: a fast path and an interrupted one.
double bimodal_draw(Random& random) {
  const double u = uniform(random);
  return u < 0.97 ? 800 + 200 * u / 0.97 : 3000 + 47'000 * (u - 0.97) / 0.03;
}
double bimodal_below(double ns) {
  return 0.97 * std::clamp((ns - 800) / 200, 0.0, 1.0) + 0.03 * std::clamp((ns - 3000) / 47'000, 0.0, 1.0);
}
double lognormal_draw(Random& random) {  // Box and Muller
  const double radius = std::sqrt(-2 * std::log(uniform(random)));
  return 900 * std::exp(0.5 * radius * std::cos(2 * M_PI * uniform(random)));
}
double lognormal_below(double ns) { return ns <= 0 ? 0 : 0.5 * std::erfc(-std::log(ns / 900) / 0.5 / M_SQRT2); }

constexpr Distribution kDistributions[] = {
    {"uniform", [](Random& random) { return 500 + 1000 * uniform(random); },
     [](double ns) { return std::clamp((ns - 500) / 1000, 0.0, 1.0); }},
    {"exponential", [](Random& random) { return 100 - 700 * std::log(uniform(random)); },
     [](double ns) { return ns <= 100 ? 0 : -std::expm1(-(ns - 100) / 700); }},
    {"lognormal", lognormal_draw, lognormal_below},
    {"bimodal", bimodal_draw, bimodal_below},
    {"Pareto", [](Random& random) { return 500 * std::pow(uniform(random), -1 / 1.5); },
     [](double ns) { return ns <= 500 ? 0 : 1 - std::pow(500 / ns, 1.5); }}};

// The least value that `below` gives at least p.
double quantile(const Distribution& distribution, double p) {
  double low = 0, high = 0x1p60;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    (distribution.below(middle) < p ? low : high) = middle;
  }
  return high;
}

// What a clock with 10 ns steps shows of a time: readings at both ends, the begin at any point of a step.
double stepped(double ns, double phase) { return kClockStep * std::floor((ns + phase * kClockStep) / kClockStep); }

// The same percentile of what such a clock shows: P(shown <= 10 k) is the mean of P(X < 10 k + 10 - phase) over all
// phases.
double stepped_quantile(const Distribution& distribution, double p) {
  constexpr int kPhases = 1000;
  const auto shown_below = [&](double value) {
    double sum = 0;
    for (int i = 0; i < kPhases; ++i) sum += distribution.below(value + kClockStep * (1 - (i + 0.5) / kPhases));
    return sum / kPhases;
  };
  double value = std::max(0.0, kClockStep * (std::floor(quantile(distribution, p) / kClockStep) - 3));
  while (shown_below(value) < p) value += kClockStep;
  return value;
}

// P(low <= B < high) of B ~ binomial(count, p), in long doubles.
double exact_coverage(const Ranks& ranks, std::uint64_t count, long double p) {
  long double sum = 0;
  for (std::uint64_t k = ranks.low; k < ranks.high; ++k)
    sum += std::exp(std::lgamma(count + 1.0L) - std::lgamma(k + 1.0L) - std::lgamma(count - k + 1.0L) +
                    static_cast<long double>(k) * std::log(p) + static_cast<long double>(count - k) * std::log1p(-p));
  return static_cast<double>(sum);
}

// The upper edge of the slot that a time falls into.
double slot_edge(double ns) {
  const auto whole = static_cast<std::uint64_t>(ns);
  if (whole >> 30 != 0) return ns;
  return static_cast<double>(tickmlp_recorder_slot_upper(tickmlp_recorder_slot(whole)));
}

bool holds(const Interval& interval, double value) { return interval.low <= value && value <= interval.high; }

// Shares of the trials whose interval held the percentile.
struct Covered {
  double continuous = 0;       // of the samples themselves
  double slots = 0, ties = 0;  // in the recorder's slots; cut to whole steps of 10 ns before
  double clock = 0;            // as the clock shows them
  int lost = 0;                // trials that held it before the slots or ties, and not with them
};

// What a certificate computes: from a recorder that came back from the evidence, all of it slot edges.
Interval interval_of(const tickmlp_recorder& recorder, const Percentile& percentile) {
  tickmlp_recorder kept;
  tickmlp_recorder_reset(&kept);
  add_to(histogram_of(recorder), &kept);
  return figure_of(kept, percentile)->interval;
}

// One distribution, one percentile, one number of samples. Each trial looks at its samples in four ways.
Covered simulate(const Distribution& distribution, const Percentile& percentile, std::uint64_t count, int trials) {
  const double p = static_cast<double>(percentile.numerator) / static_cast<double>(percentile.denominator);
  const double truth = quantile(distribution, p), truth_shown = stepped_quantile(distribution, p);
  const Ranks ranks = *percentile_ranks(count, percentile.numerator, percentile.denominator);
  tickmlp_recorder recorded, tied, shown;
  Random random(0x7e57 + count * 8 + static_cast<std::uint64_t>(&distribution - kDistributions));
  std::vector<double> samples(count);
  Covered covered;
  for (int trial = 0; trial < trials; ++trial) {
    for (tickmlp_recorder* recorder : {&recorded, &tied, &shown}) tickmlp_recorder_reset(recorder);
    for (double& ns : samples) {
      ns = distribution.draw(random);
      tickmlp_recorder_record(&recorded, static_cast<std::uint64_t>(ns));
      tickmlp_recorder_record(&tied, static_cast<std::uint64_t>(stepped(ns, 0)));
      tickmlp_recorder_record(&shown, static_cast<std::uint64_t>(stepped(ns, uniform(random))));
    }
    const auto at_rank = [&](std::uint64_t rank) {
      const auto place = samples.begin() + static_cast<std::ptrdiff_t>(rank - 1);
      std::nth_element(samples.begin(), place, samples.end());
      return *place;
    };
    const double low = at_rank(ranks.low);
    const bool before = holds({low, at_rank(ranks.high)}, truth);
    const bool in_slots = holds(interval_of(recorded, percentile), slot_edge(truth));
    const bool in_ties = holds(interval_of(tied, percentile), slot_edge(stepped(truth, 0)));
    covered.continuous += before;
    covered.slots += in_slots;
    covered.ties += in_ties;
    covered.clock += holds(interval_of(shown, percentile), slot_edge(truth_shown));
    covered.lost += before && !(in_slots && in_ties);
  }
  for (double* share : {&covered.continuous, &covered.slots, &covered.ties, &covered.clock}) *share /= trials;
  return covered;
}

// Emulators and sanitizers take the small numbers of samples only.
bool slow_here() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return true;
#endif
#endif
  return std::getenv("TICKMLP_STRIDE") != nullptr;
}

void check_coverage(const std::string& name, const std::vector<std::uint64_t>& counts, int trials) {
  const auto percentile =
      std::find_if(kPercentiles.begin(), kPercentiles.end(), [&](const Percentile& each) { return each.name == name; });
  REQUIRE(percentile != kPercentiles.end());
  for (const std::uint64_t count : counts)
    for (const Distribution& distribution : kDistributions) {
      const long double p = static_cast<long double>(percentile->numerator) / percentile->denominator;
      const Ranks ranks = *percentile_ranks(count, percentile->numerator, percentile->denominator);
      const double exact = exact_coverage(ranks, count, p);
      const Covered covered = simulate(distribution, *percentile, count, trials);
      std::printf("%-7s n %6llu  %-11s exact %.4f  seen %.4f  slots %.4f  ties %.4f  clock %.4f\n", name.c_str(),
                  static_cast<unsigned long long>(count), distribution.name, exact, covered.continuous, covered.slots,
                  covered.ties, covered.clock);
      CAPTURE(distribution.name);
      CAPTURE(count);
      CHECK_GE(exact, 0.95);
      CHECK_LE(std::abs(covered.continuous - exact), 0.02);
      CHECK_GE(covered.continuous, 0.93);
      CHECK_EQ(covered.lost, 0);  // so slots and ties cover at least as often
      CHECK_GE(covered.clock, std::max(0.93, exact - 0.02));
    }
}

}  // namespace

TEST_CASE("coverage of p50") { check_coverage("p50", {6, 20, 1000}, 4000); }
TEST_CASE("coverage of p99") { check_coverage("p99", {368, 1000, 3000}, 4000); }
TEST_CASE("coverage of p99.9") { check_coverage("p99.9", {3688}, 4000); }
TEST_CASE("coverage of p99.99") {
  if (slow_here()) {
    std::puts("SKIP coverage of p99.99: 184 million samples take minutes in an emulator or under a sanitizer");
    return;
  }
  check_coverage("p99.99", {36'888}, 1000);
}
