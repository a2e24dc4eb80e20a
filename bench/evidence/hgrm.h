// SPDX-License-Identifier: Apache-2.0
// The percentile distribution of a series as text (.hgrm), which the HdrHistogram plotters read.
#ifndef TICKMLP_BENCH_EVIDENCE_HGRM_H_
#define TICKMLP_BENCH_EVIDENCE_HGRM_H_
#include <string>

#include "evidence/histogram.h"

namespace tickmlp::bench {

// All blocks of all runs of a series in one table, values in ns, five steps for each halving of the distance to 100 %.
// Byte for byte what hdr-histogram-js prints (outputPercentileDistribution) for the same lines of the log, added up in
// histograms of 64-bit counts. A value is its slot's upper edge, in Mean and StdDeviation too, where certificates take
// the middle. "Buckets" are the octaves of hdr_layout.h. Refuses more than 2^48 samples.
std::string write_hgrm(const SeriesEvidence& series);

}  // namespace tickmlp::bench
#endif
