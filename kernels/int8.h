// SPDX-License-Identifier: Apache-2.0
// The int8 kernels, one a Highway target; only those of the target architecture are defined.
#pragma once

#include "contract.h"

namespace tickmlp {
#define TICKMLP_INT8_ISA(target)                                                                                      \
  namespace target {                                                                                                  \
  Outcome infer_int8(const Network& network, const float* input, Workspace& workspace, float* output);                \
  Outcome advance_int8(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept);   \
  Outcome tick_int8(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept, \
                    float* output);                                                                                   \
  }
TICKMLP_INT8_ISA(N_SSE4)
TICKMLP_INT8_ISA(N_AVX2)
TICKMLP_INT8_ISA(N_AVX3)
TICKMLP_INT8_ISA(N_AVX3_DL)
TICKMLP_INT8_ISA(N_NEON)
#undef TICKMLP_INT8_ISA
}  // namespace tickmlp
