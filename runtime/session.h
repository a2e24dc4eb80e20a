// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_session.
#pragma once

#include "counters.h"
#include "model.h"

// One block from the model's allocator: this struct, then the scratch. Counters stand beside the pointers that every
// call reads anyway.
struct tickmlp_session {
  tickmlp::Network network;  // a copy, so that a call touches one cache line less
  tickmlp::InferFunction infer;
  tickmlp::Workspace workspace;
  float* flushed_input;  // [inputs] in flush mode, else nullptr
  bool promised;
  tickmlp_counters counters;
  uint64_t counting;  // all ones; 0 while touch() runs, since a reader must not see a counter go up and back
  tickmlp::BatchFunction batch;
  tickmlp::BatchWorkspace batch_workspace;
  tickmlp::GatherFunction gather;
  float* gathered;           // [batch_workspace.states][network.inputs] of a pruned model
  const float* touch_input;  // [inputs] the first golden vector's, which is known to give an output
  float* touch_output;       // [outputs] scratch
  tickmlp_allocator allocator;
  void* allocation;
};
