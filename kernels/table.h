// SPDX-License-Identifier: Apache-2.0
// The one kernel table, read by dispatch, tests, benchmarks and `tickmlp kernels`. Best first within an element type.
#pragma once

#include "contract.h"

namespace tickmlp {

// What a kernel needs of the CPU. Each tier is Highway's of that name, so that one probe decides for both libraries.
enum CpuTier : uint32_t {
  kTierScalar = 1 << 0,
  kTierSse4 = 1 << 1,        // SSE4.2, PCLMUL, AES
  kTierAvx2 = 1 << 2,        // + AVX2, FMA, F16C, BMI1, BMI2, LZCNT
  kTierAvx512 = 1 << 3,      // + F, VL, DQ, BW
  kTierAvx512Vnni = 1 << 4,  // + VNNI, VBMI, VBMI2, VAES, VPCLMULQDQ, BITALG, VPOPCNTDQ: Ice Lake, Zen 4 and later
  kTierNeon = 1 << 5,        // AArch64 with AES
};

struct Kernel {
  const char* name;
  const char* isa;
  ElementType type;
  CpuTier tier;
  const Functions* functions;
};

extern const Kernel kKernels[];
extern const uint32_t kKernelCount;

// nullptr where no kernel has that name.
const Kernel* find_kernel(const char* name);
// The best kernel of the type whose tier is among `tiers`; never nullptr while kTierScalar is among them.
const Kernel* best_kernel(ElementType type, uint32_t tiers);

}  // namespace tickmlp
