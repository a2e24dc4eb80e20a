// SPDX-License-Identifier: Apache-2.0
// What float32_ISA.cc offers: the float32 kernel, and layer 2 and the heads for the int8 kernels of the same
// instruction set: layer2_of_hidden takes workspace.hidden to workspace.sums, conclude these to the outputs; finish
// does both at once; finish_batch (heads_batch.h) takes the hidden activations of a batch; gather is a pruned model's
// inputs. Only those of the target architecture are defined.
#pragma once

#include "contract.h"

#define TICKMLP_FLOAT32_ISA(isa)                                                                                   \
  namespace tickmlp::isa {                                                                                         \
  extern const Functions float32;                                                                                  \
  void layer2_of_hidden(const Network& network, const Workspace& workspace);                                       \
  Outcome conclude(const Network& network, const Workspace& workspace, float* output);                             \
  Outcome finish(const Network& network, const Workspace& workspace, float* output);                               \
  uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs); \
  bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to);                                 \
  }
TICKMLP_FLOAT32_ISA(avx2)
TICKMLP_FLOAT32_ISA(avx512)
TICKMLP_FLOAT32_ISA(neon)
#undef TICKMLP_FLOAT32_ISA
