// SPDX-License-Identifier: Apache-2.0
// How much is measured: the three suites, and what the options change in them.
#ifndef TICKMLP_BENCH_MEASURE_PLAN_H_
#define TICKMLP_BENCH_MEASURE_PLAN_H_
#include <cstdint>
#include <string>
#include <vector>

#include "measure/scenario.h"

namespace tickmlp::bench {

inline constexpr std::uint64_t kChunk = 4096;      // samples in one go; what happened to the core is read between two
inline constexpr std::uint64_t kChunkWarmUp = 64;  // untimed calls before each, to be hot again after that
inline constexpr double kJitterSeconds = 0.05;     // of watching a spinning loop, before each run and after the last

struct Plan {
  std::string suite;                // quick, standard, full
  std::uint64_t runs;               // whole re-runs: the model is loaded anew, at other addresses, and warmed up anew
  std::uint64_t samples;            // of each kind of hot call, in all runs together
  std::uint64_t epochs;             // in each run: one block of each kind
  double cold_seconds;              // for each path in each cold scenario, in all
  double response_seconds;          // for each path at each arrival rate, in all
  std::uint64_t warm_up;            // untimed calls of each kind before the first block of a run
  double warm_up_seconds;           // and no longer than this; 0: no such limit
  std::vector<Scenario> scenarios;  // the hot one first
};

inline constexpr const char* kSuites = "quick, standard or full";

// Nothing for a name that is none of the three. `cores` is how many this process may run on: with more than one, the
// longer suites measure several sessions at once.
std::vector<Plan> suite_plan(const std::string& name, std::size_t cores);

// What a plan measures, as ids: "full-hot", "tick-hot", ... `ticks`: the model has a window.
std::vector<std::string> planned_scenarios(const Plan& plan, bool ticks);

// The share of `total` that falls to one of `parts`; the first ones take the remainder.
constexpr std::uint64_t share(std::uint64_t total, std::uint64_t parts, std::uint64_t part) {
  return total / parts + (part < total % parts ? 1 : 0);
}

}  // namespace tickmlp::bench
#endif
