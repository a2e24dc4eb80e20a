// SPDX-License-Identifier: Apache-2.0
// The timed part of a certificate: three kinds of timed region, and a fourth where the model has a window, hot; and the
// paths again in each cold scenario. All interleaved in blocks.
#ifndef TICKMLP_BENCH_MEASURE_H_
#define TICKMLP_BENCH_MEASURE_H_
#include <cstdint>
#include <functional>
#include <vector>

#include "measure/memory_floor.h"
#include "model.h"
#include "measure/scenario.h"

namespace tickmlp::bench {

inline constexpr std::uint64_t kChunk = 4096;      // samples in one go; faults and switches are read between two chunks
inline constexpr std::uint64_t kChunkWarmUp = 64;  // untimed calls before each, to be hot again after that
inline constexpr double kJitterSeconds = 0.05;     // of watching a spinning loop, before the blocks and again after

struct Plan {
  std::uint64_t samples;            // of each kind, in all
  std::uint64_t epochs;             // one block of each kind in each
  std::uint64_t warm_up;            // untimed calls of each kind before the first block
  double warm_up_seconds;           // and no longer than this; 0: no such limit
  std::vector<Scenario> scenarios;  // beside the hot one
};

// Everything that the timed loops read.
struct Subject {
  tickmlp_session* session;
  tickmlp_window* window;  // nullptr: no tick path
  const tickmlp_model_info* model;
  const float* states;  // [count][inputs]
  std::uint64_t count;
  MemoryFloor memory_floor;
  tickmlp_clock clock;
};

struct Series {
  tickmlp_recorder recorder;
  std::vector<double> epoch_central_ns;
};

// One path in one cold scenario.
struct ColdSeries {
  Scenario scenario;
  Eviction way;  // what was really done: without a way to flush the buffer is walked
  bool tick;
  Series series;
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // in its blocks, gaps included
};

struct Measurement {
  Measurement();  // all recorders empty
  Series timer, memory, full, tick;
  std::vector<ColdSeries> cold;
  tickmlp_recorder jitter;                                  // gaps of a spinning loop, see stability.h
  std::vector<double> fixed_work_ns;                        // of each epoch, see stability.h
  std::uint64_t epochs = 0;                                 // finished ones
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // inside the hot blocks, this thread
  std::uint64_t backwards = 0;         // samples whose end was read below their begin; not recorded
  tickmlp_status status = TICKMLP_OK;  // the first call that failed ends the measurement
  double seconds = 0;
  bool complete = false;  // false: interrupted or failed
};

// `progress` gets the share that is done, between chunks of samples, outside every timed region.
void measure(const Subject& subject, const Plan& plan, const std::function<void(double)>& progress,
             Measurement* result);

}  // namespace tickmlp::bench
#endif
