// SPDX-License-Identifier: Apache-2.0
// The two measured halves of a CPU's profile.
#ifndef TICKMLP_BENCH_CALIBRATE_H_
#define TICKMLP_BENCH_CALIBRATE_H_
#include <functional>

#include "cost_model.h"

namespace tickmlp::bench {

using Progress = std::function<void(double)>;  // the share that is done

// Rounds, of which the fastest counts: neighbours on a shared machine only ever add time, so the least of several
// blocks spread over seconds is nearest to what the CPU itself takes.
inline constexpr int kCalibrationRounds = 7;

// Fills timer_ns, read_isa, forward and turning: bare reads from a quarter of L1 to four times L3 (64 to 128 MiB).
void calibrate_reads(const tickmlp_clock& clock, const Progress& progress, CpuProfile* profile);

// Fills kernels, every available one; needs the other half. Of every kernel some twenty small models are timed: those
// of one group give step_ns, wide ones line_ns, many lanes group_ns, and so on, by least squares where one model
// depends on several. Their shapes are none of the sweep's.
void calibrate_kernels(const tickmlp_clock& clock, const Progress& progress, CpuProfile* profile);

}  // namespace tickmlp::bench
#endif
