// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"
#include "heads.h"

namespace tickmlp {
namespace {

struct Avx2 {
  using Vector = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  static constexpr uint32_t kRegisterGroups = 6;                 // 12 of 16 registers
  static constexpr uint32_t kBatchGroups = 1, kBatchStates = 6;  // 12 accumulators, 2 of weights, 1 input

  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

  // Sixteen virtual lanes to four, adding l + 8 and then l + 4.
  static Float4 fold(const Vector (&s)[2]) {
    const __m256 eight = _mm256_add_ps(s[0], s[1]);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  }
  static Float4 tree(const Vector (&a)[2], const Vector (&b)[2], const Vector (&c)[2], const Vector (&d)[2]) {
    return finish_tree(fold(a), fold(b), fold(c), fold(d));
  }

  // Sixteen virtual lanes of eight states to eight sums, adding l + 8, l + 4, l + 2, l + 1. States s and s + 4 share a
  // register from the second step on, so that lane s is state s in the end.
  static __m256 tree_of_two(const Vector (&s)[8][2], uint32_t first) {
    const __m256 a = _mm256_add_ps(s[first][0], s[first][1]), b = _mm256_add_ps(s[first + 4][0], s[first + 4][1]);
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  static Vector tree_of_states(const Vector (&s)[8][2]) {
    const __m256 a = tree_of_two(s, 0), b = tree_of_two(s, 1), c = tree_of_two(s, 2), d = tree_of_two(s, 3);
    const __m256 ab = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
    const __m256 cd = _mm256_add_ps(_mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xEE));
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xDD));
  }

  static bool none(Int4 mask) { return _mm_testz_si128((__m128i)mask, (__m128i)mask) != 0; }

  static void place(const Float4 (&results)[4], const HeadBlock& block, float* output) {
    place_in_order(results, block, output);
  }

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm256_min_ps(_mm256_max_ps(a, _mm256_setzero_ps()), _mm256_set1_ps(high));
  }

  static Float4 fma4(Float4 a, Float4 b, Float4 c) { return _mm_fmadd_ps(a, b, c); }
};

}  // namespace

namespace avx2 {
extern const Functions float32 = Float32<Avx2>::kFunctions;
Outcome finish(const Network& network, Workspace& workspace, float* output) {
  return Heads<Avx2>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Avx2>::finish(network, workspace, states, outputs);
}
}  // namespace avx2
}  // namespace tickmlp
