// SPDX-License-Identifier: Apache-2.0
// A CPU's figures: measured once, kept as JSON (schema tickmlp-cpu-profile/0), read back.
#ifndef TICKMLP_BENCH_CPU_PROFILE_H_
#define TICKMLP_BENCH_CPU_PROFILE_H_
#include <functional>
#include <string>

#include "audit/box.h"
#include "growth/cost_model.h"

namespace tickmlp::bench {

inline constexpr const char* kProfileSchema = "tickmlp-cpu-profile/0";

// Of `core`, as /sys tells them; sysconf() where /sys has none (some virtual machines), which can be the whole
// socket's.
Caches read_caches(const Box& box, int core);

// Reads and runs calibration models on the core that this thread is pinned to, every available kernel. About 15 s.
// Interrupted: no figures, and g_interrupt_signal is set. `progress` gets the share that is done.
CpuProfile measure_profile(const Box& box, int core, const std::function<void(double)>& progress);

// `command` and `core` say how it was made.
std::string profile_json(const CpuProfile& profile, const std::string& command, int core);

// Refuses (exit 4) by name, each with what was seen and expected: profile-open (no such file, or unreadable),
// profile-json (no JSON), profile-schema (JSON of another kind or version), profile-field (a figure that is missing, of
// the wrong type, negative or not finite; a curve that does not ascend; a kernel twice).
CpuProfile read_profile(const std::string& path);

}  // namespace tickmlp::bench
#endif
