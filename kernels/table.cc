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
    {"int8-avx512vnni", "AVX-512 F/VL/DQ/BW with VNNI", kInt8, kTierAvx512Vnni, N_AVX3_DL::infer_int8,
     N_AVX3_DL::advance_int8, N_AVX3_DL::tick_int8},
    {"int8-avx512", "AVX-512 F/VL/DQ/BW", kInt8, kTierAvx512, N_AVX3::infer_int8, N_AVX3::advance_int8,
     N_AVX3::tick_int8},
    {"int8-avx2", "AVX2 with FMA", kInt8, kTierAvx2, N_AVX2::infer_int8, N_AVX2::advance_int8, N_AVX2::tick_int8},
    {"int8-sse4", "SSE4.2 with PCLMUL and AES", kInt8, kTierSse4, N_SSE4::infer_int8, N_SSE4::advance_int8,
     N_SSE4::tick_int8},
    {"int8-scalar", "none", kInt8, kTierScalar, scalar::infer_int8, scalar::advance_int8, scalar::tick_int8},
    {"float32-avx512", "AVX-512 F/VL/DQ/BW", kFloat32, kTierAvx512, avx512::infer_float32, avx512::advance_float32,
     avx512::tick_float32},
    {"float32-avx2", "AVX2 with FMA", kFloat32, kTierAvx2, avx2::infer_float32, avx2::advance_float32,
     avx2::tick_float32},
    {"float32-scalar", "none", kFloat32, kTierScalar, scalar::infer_float32, scalar::advance_float32,
     scalar::tick_float32},
#elif defined(__aarch64__)
    {"int8-neon", "NEON with AES", kInt8, kTierNeon, N_NEON::infer_int8, N_NEON::advance_int8, N_NEON::tick_int8},
    {"int8-scalar", "none", kInt8, kTierScalar, scalar::infer_int8, scalar::advance_int8, scalar::tick_int8},
    {"float32-neon", "NEON", kFloat32, kTierNeon, neon::infer_float32, neon::advance_float32, neon::tick_float32},
    {"float32-scalar", "none", kFloat32, kTierScalar, scalar::infer_float32, scalar::advance_float32,
     scalar::tick_float32},
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
