// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <cstring>

#include "float32_isa.h"
#include "int8.h"
#include "scalar.h"

namespace tickmlp {

constexpr ElementType kInt8 = ElementType::kInt8, kFloat32 = ElementType::kFloat32;

extern const Kernel kKernels[] = {
#if defined(__x86_64__)
    {"int8-avx512vnni", "AVX-512 F/VL/DQ/BW with VNNI", kInt8, kTierAvx512Vnni, &N_AVX3_DL::int8},
    {"int8-avx512", "AVX-512 F/VL/DQ/BW", kInt8, kTierAvx512, &N_AVX3::int8},
    {"int8-avx2", "AVX2 with FMA", kInt8, kTierAvx2, &N_AVX2::int8},
    {"int8-sse4", "SSE4.2 with PCLMUL and AES", kInt8, kTierSse4, &N_SSE4::int8},
    {"int8-scalar", "none", kInt8, kTierScalar, &scalar::int8},
    {"float32-avx512", "AVX-512 F/VL/DQ/BW", kFloat32, kTierAvx512, &avx512::float32},
    {"float32-avx2", "AVX2 with FMA", kFloat32, kTierAvx2, &avx2::float32},
    {"float32-scalar", "none", kFloat32, kTierScalar, &scalar::float32},
#elif defined(__aarch64__)
    {"int8-neon", "NEON with AES", kInt8, kTierNeon, &N_NEON::int8},
    {"int8-scalar", "none", kInt8, kTierScalar, &scalar::int8},
    {"float32-neon", "NEON", kFloat32, kTierNeon, &neon::float32},
    {"float32-scalar", "none", kFloat32, kTierScalar, &scalar::float32},
#else
#error "tickmlp knows x86-64 and AArch64"
#endif
};
extern const uint32_t kKernelCount = sizeof(kKernels) / sizeof(kKernels[0]);

const Kernel* find_kernel(const char* name) {
  for (const Kernel& kernel : kKernels)
    if (std::strcmp(kernel.name, name) == 0) return &kernel;
  return nullptr;
}

const Kernel* best_kernel(ElementType type, uint32_t tiers) {
  for (const Kernel& kernel : kKernels)
    if (kernel.type == type && (kernel.tier & tiers) != 0) return &kernel;
  return nullptr;
}

}  // namespace tickmlp
