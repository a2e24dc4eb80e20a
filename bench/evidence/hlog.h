// SPDX-License-Identifier: Apache-2.0
// Evidence as a log for the HdrHistogram tools (.hlog, format 1.3), one line a block:
//   Tag=full-hot.run-1,BEGIN,SECONDS,MAX,HISTOGRAM
// BEGIN in seconds since the measurement began, lines in that order; MAX in ms, as their own writer has it; values of
// the histograms in ns, in the layout of hdr_layout.h. StartTime and BaseTime are both the time of day at which the
// measurement began: with a BaseTime of 0 the tools would date each block to 1970.
#ifndef TICKMLP_BENCH_EVIDENCE_HLOG_H_
#define TICKMLP_BENCH_EVIDENCE_HLOG_H_
#include <string>
#include <string_view>

#include "evidence/histogram.h"

namespace tickmlp::bench {

// The text of a log that read_hlog() reads back equal to `evidence`; refuses otherwise (it is read back once to see).
// That asks of the evidence: series ids of a-z, 0-9 and '-'; no series without a run and no run without a block; blocks
// of a series in order of time, through all its runs; times in whole milliseconds, up to 10^9 s; values up to 73
// minutes; at most 2^48 samples in all. `started_utc`: "2026-01-31T23:59:59Z". 2,000 blocks take about 0.2 s.
std::string write_hlog(const Evidence& evidence, const std::string& started_utc);

// Reads what write_hlog() writes and refuses all else, naming the file (`name`), the line, what was seen and what was
// expected. Memory: 64 KiB and what the histograms hold.
Evidence read_hlog(std::string_view text, const std::string& name);

}  // namespace tickmlp::bench
#endif
