// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_window.
#pragma once

#include "counters.h"
#include "model.h"

// One block from the model's allocator: this struct, then its arrays, each 64-byte aligned.
struct tickmlp_window {
  tickmlp::Network network;
  tickmlp::AdvanceFunction advance;
  tickmlp::TickFunction tick;
  tickmlp::Workspace workspace;
  uint32_t columns, newest;  // newest: index of the newest row's first input
  uint32_t begin;            // the same among the inputs that layer 1 reads
  bool ready, flush, promised, quantised;
  float* state;       // [inputs]
  float* next_state;  // [inputs] where a new state is made before it takes the place of the old
  void* kept;         // [lanes] sums over all rows but the newest
  void* next_kept;    // [lanes] likewise
  tickmlp::GatherFunction gather;
  float* gathered;      // [inputs] scratch of a pruned model
  float* touch_row;     // [columns] scratch of touch()
  float* touch_output;  // [outputs] likewise
  tickmlp_counters counters;
  uint64_t counting;  // all ones; 0 while touch() runs, since a reader must not see a counter go up and back
  tickmlp_allocator allocator;
  void* allocation;
};
