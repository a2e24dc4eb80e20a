// SPDX-License-Identifier: Apache-2.0
// Random evidence for the tests of its files.
#ifndef TICKMLP_TESTS_EVIDENCE_SAMPLE_H_
#define TICKMLP_TESTS_EVIDENCE_SAMPLE_H_
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include "evidence/hdr_layout.h"
#include "evidence/histogram.h"

// Some slots, all kinds of counts: mostly small ones, now and then far more than 32 bits hold.
inline tickmlp::bench::Histogram random_histogram(std::mt19937_64& random) {
  tickmlp::bench::Histogram histogram;
  const std::uint32_t slots = random() % 3 == 0 ? static_cast<std::uint32_t>(random() % 3000) : random() % 20;
  for (std::uint32_t i = 0; i < slots; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 300 : TICKMLP_RECORDER_SLOTS));
    histogram.slots.emplace_back(slot, 1 + (random() >> (64 - 1 - random() % (random() % 50 == 0 ? 36 : 10))));
  }
  std::ranges::sort(histogram.slots, {}, [](const auto& entry) { return entry.first; });
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  histogram.slots.erase(std::unique(histogram.slots.begin(), histogram.slots.end(), same), histogram.slots.end());
  if (random() % 4 == 0) {
    const std::uint64_t beyond = (std::uint64_t{1} << 30) + (random() >> (23 + random() % 20));
    histogram.beyond = 1 + random() % 3;
    histogram.beyond_maximum = tickmlp::bench::hdr_upper(tickmlp::bench::hdr_bucket(beyond));
  }
  return histogram;
}

// `series` series of `runs` runs of `blocks` blocks, in turns as they are measured.
inline tickmlp::bench::Evidence random_evidence(std::mt19937_64& random, int series, int runs, int blocks) {
  tickmlp::bench::Evidence evidence;
  std::uint64_t begin_ms = random() % 100;
  for (int run = 0; run < runs; ++run)
    for (int block = 0; block < blocks; ++block)
      for (int i = 0; i < series; ++i) {
        auto& kept = evidence["series-" + std::to_string(i)].runs;
        kept.resize(static_cast<std::size_t>(run) + 1);
        const std::uint64_t length_ms = random() % 3000;
        kept.back().push_back(
            {static_cast<double>(begin_ms) / 1000, static_cast<double>(length_ms) / 1000, random_histogram(random)});
        begin_ms += length_ms;
      }
  return evidence;
}

#endif
