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

  // Sixteen virtual lanes of each of four heads, adding l + 8 and then l + 4: four are left of each, head by head.
  static void fold(const Vector (&a)[1], const Vector (&b)[1], const Vector (&c)[1], const Vector (&d)[1],
                   Vector (&four)[1]) {
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a[0], b[0], 0x44), _mm512_shuffle_f32x4(a[0], b[0], 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c[0], d[0], 0x44), _mm512_shuffle_f32x4(c[0], d[0], 0xEE));
    four[0] = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  }
  static Vector zip_low(Vector a, Vector b) { return _mm512_unpacklo_ps(a, b); }
  static Vector zip_high(Vector a, Vector b) { return _mm512_unpackhi_ps(a, b); }
  static Vector join_low(Vector a, Vector b) { return _mm512_shuffle_ps(a, b, 0x44); }
  static Vector join_high(Vector a, Vector b) { return _mm512_shuffle_ps(a, b, 0xEE); }
  template <int kLane>
  static Vector spread(Vector v) {
    return _mm512_permute_ps(v, kLane * 0x55);
  }

  // One permutation and one masked store, which touches nothing behind the block's last output.
  static void place(const Vector (&results)[1], const HeadBlock& block, float* output) {
    const __mmask16 used = static_cast<__mmask16>((1u << block.output_count) - 1);
    const __m512 ordered = _mm512_permutexvar_ps(_mm512_load_si512(block.order), results[0]);
    _mm512_mask_storeu_ps(output + block.output_begin, used, ordered);
  }

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm512_min_ps(_mm512_max_ps(a, _mm512_setzero_ps()), _mm512_set1_ps(high));
  }
};

}  // namespace

namespace avx512 {
extern const Functions float32 = Float32<Avx512>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Avx512>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, Workspace& workspace, float* output) {
  return Heads<Avx512>::conclude(network, workspace, output);
}
}  // namespace avx512
}  // namespace tickmlp
