// SPDX-License-Identifier: Apache-2.0
// The int8 kernels, one a Highway target; only those of the target architecture are defined.
#pragma once

#include "contract.h"

namespace tickmlp {
#define TICKMLP_INT8_ISA(target) \
  namespace target {             \
  extern const Functions int8;   \
  }
TICKMLP_INT8_ISA(N_SSE4)
TICKMLP_INT8_ISA(N_AVX2)
TICKMLP_INT8_ISA(N_AVX3)
TICKMLP_INT8_ISA(N_AVX3_DL)
TICKMLP_INT8_ISA(N_NEON)
#undef TICKMLP_INT8_ISA
}  // namespace tickmlp
