// SPDX-License-Identifier: Apache-2.0
// What a series of measurements says of itself: all samples together, each whole re-run alone, each epoch alone.
#ifndef TICKMLP_BENCH_EVIDENCE_SUMMARY_H_
#define TICKMLP_BENCH_EVIDENCE_SUMMARY_H_
#include <optional>
#include <string_view>
#include <vector>

#include "evidence/histogram.h"
#include "measure/statistics.h"

namespace tickmlp::bench {

// Re-runs and epochs without a sample are left out. Minimum and maximum are slot edges, as in the evidence.
struct Summary {
  tickmlp_recorder all;                               // every sample
  std::vector<tickmlp_recorder> runs;                 // 26 KB each
  std::vector<std::vector<double>> epoch_central_ns;  // by re-run
  std::vector<std::vector<double>> epoch_mean_ns;     // by re-run
};
Summary summarise(const SeriesEvidence& series);

// Largest over smallest of all epochs' central_ns, less 1; 0 for fewer than two epochs.
double epoch_spread(const Summary& summary);

// The least and the largest value of a figure over the re-runs; nothing when a re-run has too few samples for it, or
// when there are none.
std::optional<Interval> run_range(const Summary& summary, std::string_view figure);

// Where the figure lies with 95 %, by all samples and whatever re-run they came from: a percentile between two order
// statistics, "central" and "mean" where the median epoch does (and the figure itself), "min" and "max" nothing but
// themselves. Nothing with too few samples.
std::optional<Interval> sample_interval(const Summary& summary, std::string_view figure);

// The interval that decides a verdict: from the lower of the low ends of the two above to the higher of the high ones.
// Samples in a row are alike, so one re-run's interval is narrower than what the next re-run shows.
std::optional<Interval> deciding_interval(const Summary& summary, std::string_view figure);

}  // namespace tickmlp::bench
#endif
