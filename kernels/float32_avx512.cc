// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"
#include "heads.h"

namespace tickmlp {
namespace {

struct Avx512 {
  using Vector = xsimd::batch<float, xsimd::avx512f>;
  static constexpr uint32_t kRegisterGroups = 16;  // 16 of 32 registers

  // xsimd 8.1 has no fused fma for avx512f: its generic one multiplies and adds, and 84 % of lanes differ.
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

  static Float4 fold(const Vector (&s)[1]) {
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(s[0]), 1));
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(s[0]), high);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  }

  static Float4 fma4(Float4 a, Float4 b, Float4 c) { return _mm_fmadd_ps(a, b, c); }
};

}  // namespace

namespace avx512 {
Outcome infer_float32(const Network& network, const float* input, Workspace& workspace, float* output) {
  return Float32<Avx512>::infer(network, input, workspace, output);
}
Outcome finish(const Network& network, Workspace& workspace, float* output) {
  return Heads<Avx512>::finish(network, workspace, output);
}
}  // namespace avx512
}  // namespace tickmlp
