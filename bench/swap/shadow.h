// SPDX-License-Identifier: Apache-2.0
// `tickmlp shadow`: what a model's own calls feel of a second model that watches.
#ifndef TICKMLP_BENCH_SWAP_SHADOW_H_
#define TICKMLP_BENCH_SWAP_SHADOW_H_
#include <cstdint>
#include <string>
#include <vector>

#include "swap/series.h"

namespace tickmlp::bench {

struct ShadowOptions {
  std::string blob, candidate, kernel, json, command;  // candidate "": the same file
  int core = -1, shadow_core = -1;                     // -1: the last allowed one, and another allowed one
  std::uint64_t epochs = 20, block_ms = 200, sample_every = 1, capacity = 256;
  std::uint64_t gap_ns = 10'000;  // from one call to the next, spinning; 0: at once
};
int shadow(const ShadowOptions& options);

struct ShadowMeasurement {
  std::vector<TwoWays> rows;  // the primary's calls alone: full, and tick where the model has a window
  tickmlp_recorder offer;     // the copy, once the answer is out
  tickmlp_recorder candidate;
  tickmlp_shadow_figures figures{};
  std::uint64_t epochs = 0, compared = 0, wrong = 0;  // answers of the primary, against its golden outputs
};

// Pins the calling thread, which is the primary's, to options.core.
ShadowMeasurement measure_shadow(const ShadowOptions& options, const tickmlp_clock& clock);

}  // namespace tickmlp::bench
#endif
