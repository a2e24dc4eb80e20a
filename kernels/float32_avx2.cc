// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"

namespace tickmlp {
namespace {

struct Avx2 {
  using Vector = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  static constexpr uint32_t kRegisterGroups = 6;  // 12 of 16 registers

  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

  static Float4 fold(const Vector (&s)[2]) {
    const __m256 eight = _mm256_add_ps(s[0], s[1]);
    return reinterpret_cast<Float4>(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
  }

  static Vector power_of_two(Vector t) {
    const __m256i biased = _mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }
};

}  // namespace

namespace avx2 {
Outcome infer_float32(const Network& n, const float* input, Workspace& w) { return Float32<Avx2>::infer(n, input, w); }
Outcome finish(const Network& n, Workspace& w) { return Float32<Avx2>::finish(n, w); }
}  // namespace avx2
}  // namespace tickmlp
