// SPDX-License-Identifier: Apache-2.0
// What float32_ISA.cc offers: the float32 kernel, and layer 2 with the heads, which the int8 kernels of the same
// instruction set call too: `finish` takes workspace.hidden to output, finish_batch is that of heads_batch.h. Only
// those of the target architecture are defined.
#pragma once

#include "contract.h"

#define TICKMLP_FLOAT32_ISA(isa)                                                                                   \
  namespace tickmlp::isa {                                                                                         \
  extern const Functions float32;                                                                                  \
  Outcome finish(const Network& network, Workspace& workspace, float* output);                                     \
  uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs); \
  }
TICKMLP_FLOAT32_ISA(avx2)
TICKMLP_FLOAT32_ISA(avx512)
TICKMLP_FLOAT32_ISA(neon)
#undef TICKMLP_FLOAT32_ISA
