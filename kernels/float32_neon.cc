// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "float32.h"
#include "float32_isa.h"
#include "heads.h"

namespace tickmlp {
namespace {

struct Neon {
  using Vector = xsimd::batch<float, xsimd::neon64>;
  static constexpr uint32_t kRegisterGroups = 6;                 // 24 of 32 registers
  static constexpr uint32_t kBatchGroups = 1, kBatchStates = 6;  // 24 accumulators, 4 of weights, 1 input

  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }

  // Sixteen virtual lanes to four, adding l + 8 and then l + 4.
  static Float4 fold(const Vector (&s)[4]) { return (Float4)vaddq_f32(vaddq_f32(s[0], s[2]), vaddq_f32(s[1], s[3])); }
  static Float4 tree(const Vector (&a)[4], const Vector (&b)[4], const Vector (&c)[4], const Vector (&d)[4]) {
    return finish_tree(fold(a), fold(b), fold(c), fold(d));
  }

  // Sixteen virtual lanes of four states to four sums, adding l + 8, l + 4, l + 2, l + 1.
  static float32x4_t tree_of_one(const Vector (&s)[4]) {
    return vaddq_f32(vaddq_f32(s[0], s[2]), vaddq_f32(s[1], s[3]));
  }
  static float32x4_t tree_of_two(float32x4_t a, float32x4_t b) {  // v0 + v2 and v1 + v3 of each
    const float64x2_t x = vreinterpretq_f64_f32(a), y = vreinterpretq_f64_f32(b);
    return vaddq_f32(vreinterpretq_f32_f64(vtrn1q_f64(x, y)), vreinterpretq_f32_f64(vtrn2q_f64(x, y)));
  }
  static Vector tree_of_states(const Vector (&s)[4][4]) {
    const float32x4_t ab = tree_of_two(tree_of_one(s[0]), tree_of_one(s[1]));
    return vpaddq_f32(ab, tree_of_two(tree_of_one(s[2]), tree_of_one(s[3])));
  }

  static bool none(Int4 mask) { return vmaxvq_u32((uint32x4_t)mask) == 0; }

  static void place(const Float4 (&results)[4], const HeadBlock& block, float* output) {
    place_in_order(results, block, output);
  }

  static Vector clamp(Vector a, float high) {
    const Vector zero(0.0f), bound(high);
    const Vector t = xsimd::select(a > zero, a, zero);
    return xsimd::select(t < bound, t, bound);
  }

  static Float4 fma4(Float4 a, Float4 b, Float4 c) {
    return (Float4)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
  }
};

}  // namespace

namespace neon {
extern const Functions float32 = Float32<Neon>::kFunctions;
Outcome finish(const Network& network, Workspace& workspace, float* output) {
  return Heads<Neon>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Neon>::finish(network, workspace, states, outputs);
}
}  // namespace neon
}  // namespace tickmlp
