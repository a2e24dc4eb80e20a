// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"
#include "heads.h"

namespace tickmlp {
namespace {

struct Avx512 {
  using Vector = xsimd::batch<float, xsimd::avx512f>;
  static constexpr uint32_t kRegisterGroups = 16;                // 16 of 32 registers
  static constexpr uint32_t kBatchGroups = 3, kBatchStates = 8;  // 24 accumulators, 3 of weights, 1 input

  // xsimd 8.1 has no fused fma for avx512f: its generic one multiplies and adds, and 84 % of lanes differ.
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }

  // All four heads go down the tree together: 128-bit quarters are added l + 8 and l + 4 apart until each quarter of
  // one register is a head, and then lanes inside the quarters.
  static Float4 tree(const Vector (&a)[1], const Vector (&b)[1], const Vector (&c)[1], const Vector (&d)[1]) {
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a[0], b[0], 0x44), _mm512_shuffle_f32x4(a[0], b[0], 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c[0], d[0], 0x44), _mm512_shuffle_f32x4(c[0], d[0], 0xEE));
    const __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
    const __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4E));
    const __m512 one = _mm512_add_ps(two, _mm512_permute_ps(two, 0xB1));
    const __m512i quarters = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
    return _mm512_castps512_ps128(_mm512_permutexvar_ps(quarters, one));
  }

  // Sixteen virtual lanes of sixteen states to sixteen sums, adding l + 8, l + 4, l + 2, l + 1. From the second step on
  // four states share a register: s, s + 4, s + 8, s + 12, so that lane s is state s in the end.
  static __m512 tree_of_four(const Vector (&s)[16][1], uint32_t first) {
    const __m512 a = s[first][0], b = s[first + 4][0], c = s[first + 8][0], d = s[first + 12][0];
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  }
  static Vector tree_of_states(const Vector (&s)[16][1]) {
    const __m512 a = tree_of_four(s, 0), b = tree_of_four(s, 1), c = tree_of_four(s, 2), d = tree_of_four(s, 3);
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_ps(c, d, 0x44), _mm512_shuffle_ps(c, d, 0xEE));
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x88), _mm512_shuffle_ps(ab, cd, 0xDD));
  }

  static bool none(Int4 mask) { return _mm_testz_si128((__m128i)mask, (__m128i)mask) != 0; }

  // One permutation and one masked store, which touches nothing behind the block's last output.
  static void place(const Float4 (&results)[4], const HeadBlock& block, float* output) {
    const __m512 low = _mm512_insertf32x4(_mm512_castps128_ps512(results[0]), results[1], 1);
    const __m512 all = _mm512_insertf32x4(_mm512_insertf32x4(low, results[2], 2), results[3], 3);
    const __mmask16 used = static_cast<__mmask16>((1u << block.output_count) - 1);
    const __m512 ordered = _mm512_permutexvar_ps(_mm512_load_si512(block.order), all);
    _mm512_mask_storeu_ps(output + block.output_begin, used, ordered);
  }

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm512_min_ps(_mm512_max_ps(a, _mm512_setzero_ps()), _mm512_set1_ps(high));
  }

  static Float4 fma4(Float4 a, Float4 b, Float4 c) { return _mm_fmadd_ps(a, b, c); }
};

}  // namespace

namespace avx512 {
extern const Functions float32 = Float32<Avx512>::kFunctions;
Outcome finish(const Network& network, Workspace& workspace, float* output) {
  return Heads<Avx512>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Avx512>::finish(network, workspace, states, outputs);
}
}  // namespace avx512
}  // namespace tickmlp
