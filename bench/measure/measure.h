// SPDX-License-Identifier: Apache-2.0
// The timed part of a certificate. Whole re-runs, each with the model loaded anew; in each, epochs in which every kind
// of timed region has one block in turn.
#ifndef TICKMLP_BENCH_MEASURE_H_
#define TICKMLP_BENCH_MEASURE_H_
#include <cstdint>
#include <functional>
#include <vector>

#include "evidence/histogram.h"
#include "measure/comparator.h"
#include "measure/memory_floor.h"
#include "measure/plan.h"
#include "measure/response.h"
#include "model.h"

namespace tickmlp::bench {

// What a whole measurement needs besides its plan.
struct Source {
  std::function<Model()> load;           // once for each run
  std::function<void()> between_blocks;  // outside of every warm-up and timed region
  bool ticks;                            // the model has a window
  const float* states;
  std::uint64_t count;
  MemoryFloor memory_floor;
  tickmlp_clock clock;
  int core;                                              // that this thread is pinned to
  std::vector<int> cores;                                // that this process may use, ascending
  std::function<std::vector<Comparator>()> load_others;  // once for each run, always the same ones; may be empty
};

// One path in one scenario: what is known besides its histograms, which are in the evidence under `id`.
struct ScenarioResult {
  std::string id;  // "full-spaced-100us"
  Scenario scenario;
  bool tick = false;
  Eviction way = Eviction::kNone;  // what was really done: without a way to flush the buffer is walked
  WorstSamples worst;
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // in its blocks, gaps included
  std::vector<Response> responses;                          // of each re-run
  bool saturated() const;                                   // in one of them: there are no percentiles
};

struct Measurement {
  Evidence evidence;  // floors and scenarios
  std::vector<ScenarioResult> scenarios;
  std::vector<ComparatorResult> others;
  std::vector<double> fixed_work_ns;                        // of each epoch of each run, see stability.h
  std::uint64_t runs = 0, epochs = 0;                       // finished ones
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // of this thread, in all blocks
  std::uint64_t backwards = 0;                              // samples whose end was read below their begin: left out
  tickmlp_counters counters{};                              // of all sessions
  tickmlp_status status = TICKMLP_OK;                       // the first call that failed ends the measurement
  std::uint64_t begin_ticks = 0;
  double seconds = 0;
  bool complete = false;  // false: interrupted or failed
};

// `progress` gets the share that is done, between chunks of samples, outside every timed region.
void measure(const Source& source, const Plan& plan, const std::function<void(double)>& progress, Measurement* result);

// "full-hot", "tick-spaced-10us": the name of a series in the evidence and of a scenario in the certificate.
std::string scenario_id(const Scenario& scenario, bool tick);

}  // namespace tickmlp::bench
#endif
