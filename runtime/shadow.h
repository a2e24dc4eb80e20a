// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_shadow: a ring of one producer and one consumer, and who writes which cache line.
#pragma once

#include <atomic>

#include "model.h"

namespace tickmlp {

inline constexpr uint32_t kDefaultShadowCapacity = 256;
inline constexpr size_t kShadowApart = 128;  // Intel fetches lines in pairs

}  // namespace tickmlp

struct tickmlp_shadow {
  // The hot thread's: the first two are read by others.
  alignas(tickmlp::kShadowApart) std::atomic<uint64_t> written{0};  // questions in the ring so far; release, after it
  uint64_t offered, dropped;                                        // as counters.h has it
  uint64_t
      known_done;  // `done` as it was last seen: the other thread's line is asked for only when the ring looks full
  uint32_t left, sample_every;  // calls until the next one that is taken over
  // The other thread's.
  alignas(tickmlp::kShadowApart) std::atomic<uint64_t> done{0};  // questions that are finished; release, after reading
  uint64_t known_written;
  tickmlp_shadow_figures figures;  // but offered and dropped
  // Written once.
  alignas(tickmlp::kShadowApart) uint8_t* ring;  // [mask + 1] places of `stride` bytes: inputs, then outputs
  uint64_t mask;
  size_t stride, outputs_at;
  uint32_t inputs, outputs, heads;
  tickmlp_head_info head[tickmlp::kMaxHeads];
  float* answer;  // [outputs] of the candidate
  tickmlp_clock clock;
  tickmlp_session* session;
  tickmlp_allocator allocator;
  void* allocation;
  tickmlp_recorder recorder;
};
