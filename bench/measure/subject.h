// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_MEASURE_SUBJECT_H_
#define TICKMLP_BENCH_MEASURE_SUBJECT_H_
#include <cstdint>

#include "measure/memory_floor.h"
#include "model.h"

namespace tickmlp::bench {

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

}  // namespace tickmlp::bench
#endif
