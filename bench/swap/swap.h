// SPDX-License-Identifier: Apache-2.0
// `tickmlp swap`: what readers of a slot feel of publications.
#ifndef TICKMLP_BENCH_SWAP_H_
#define TICKMLP_BENCH_SWAP_H_
#include <cstdint>
#include <string>
#include <vector>

#include "swap/series.h"

namespace tickmlp::bench {

struct SwapOptions {
  std::string blob, kernel, json, command;
  int core = -1, publisher_core = -1;  // -1: the last allowed one, and another allowed one
  bool load = false;  // each publication loads the file anew; otherwise 16 loaded models are selected in turns
  std::uint64_t rate = 100, epochs = 20, block_ms = 200;
};
int swap(const SwapOptions& options);

struct SwapMeasurement {
  // Full: take, inference. Tick, where the model has a window: take, reset where the model is new, tick.
  std::vector<TwoWays> rows;
  tickmlp_recorder plain;       // tickmlp_infer() without a slot
  tickmlp_recorder first_full;  // calls that met a new model: take, first inference
  tickmlp_recorder first_tick;  // take, reset of the window, tick
  tickmlp_recorder load, publish, select;
  double take_ns = 0;  // of a take while the model stays
  std::uint64_t epochs = 0, publications = 0, refused = 0, compared = 0, wrong = 0;
};

// Pins the calling thread, which is the reader, to options.core. The publisher is a thread of its own.
SwapMeasurement measure_swaps(const SwapOptions& options, const tickmlp_clock& clock);

}  // namespace tickmlp::bench
#endif
