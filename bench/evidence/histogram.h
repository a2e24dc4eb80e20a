// SPDX-License-Identifier: Apache-2.0
// What was measured, in the form that is kept: for each series, whole re-runs of blocks, each block a histogram. Every
// figure of a certificate is computed from this and from nothing else, so that whoever has it can compute them again.
#ifndef TICKMLP_BENCH_EVIDENCE_HISTOGRAM_H_
#define TICKMLP_BENCH_EVIDENCE_HISTOGRAM_H_
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

// A recorder without its empty slots, and without what a log of histograms cannot carry: values are known to their
// slot only, so the least and the largest are slot edges too.
struct Histogram {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> slots;  // (slot, count > 0), ascending
  std::uint64_t beyond = 0;                                    // values of 2^30 ns and more
  std::uint64_t beyond_maximum = 0;  // the largest of them, rounded up to its three-digit bucket; 0 when there are none

  std::uint64_t count() const;
  bool operator==(const Histogram&) const = default;
};

Histogram histogram_of(const tickmlp_recorder& recorder);

// Adds a histogram to a recorder. The recorder's minimum and maximum become the upper edges of the outermost slots.
void add_to(const Histogram& histogram, tickmlp_recorder* into);

// One block of calls of one kind, in which nothing else was timed.
struct TimedBlock {
  double begin_s = 0, seconds = 0;  // since the measurement began, whole milliseconds
  Histogram histogram;
  bool operator==(const TimedBlock&) const = default;
};
using Run = std::vector<TimedBlock>;  // one re-run: a model loaded anew, warmed up anew

struct SeriesEvidence {
  std::vector<Run> runs;
  bool operator==(const SeriesEvidence&) const = default;
};

// Every sample of a series.
std::unique_ptr<tickmlp_recorder> merged(const SeriesEvidence& series);

// By series id: "full-hot", "tick-spaced-100us", "floor-memory".
using Evidence = std::map<std::string, SeriesEvidence>;

}  // namespace tickmlp::bench
#endif
