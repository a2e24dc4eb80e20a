// SPDX-License-Identifier: Apache-2.0
// How steady the core itself is, without any model: gaps in a spinning loop, and the core's frequency.
#ifndef TICKMLP_BENCH_STABILITY_H_
#define TICKMLP_BENCH_STABILITY_H_
#include <cstdint>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

// Reads the clock in a loop for `seconds` and records the time between two readings: what is far above the clock's own
// cost was taken by an interrupt, the hypervisor or another thread. Adds to `gaps`. Ends early when interrupted.
void watch_jitter(const tickmlp_clock& clock, double seconds, tickmlp_recorder* gaps);

inline constexpr double kLongGapNs = 1000;  // gaps above it are counted

// Time of a fixed chain of dependent multiplications, ns: it changes only with the core's frequency (there are no
// cycle counters on most virtual machines). The best of several, about 25 us in all.
double time_fixed_work(const tickmlp_clock& clock);

// Largest over smallest, minus 1; 0 for fewer than two.
double relative_spread(const std::vector<double>& values);

}  // namespace tickmlp::bench
#endif
