// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "float32.h"
#include "float32_isa.h"

namespace tickmlp {
namespace {

struct Neon {
  using Vector = xsimd::batch<float, xsimd::neon64>;
  static constexpr uint32_t kRegisterGroups = 6;  // 24 of 32 registers

  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }

  static Float4 fold(const Vector (&s)[4]) {
    const float32x4_t low = vaddq_f32(s[0], s[2]), high = vaddq_f32(s[1], s[3]);
    return (Float4)vaddq_f32(low, high);
  }

  static Vector power_of_two(Vector t) {
    const int32x4_t biased = vaddq_s32(vreinterpretq_s32_f32(t), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(biased, 23));
  }
};

}  // namespace

namespace neon {
Outcome infer_float32(const Network& n, const float* input, Workspace& w) { return Float32<Neon>::infer(n, input, w); }
Outcome finish(const Network& n, Workspace& w) { return Float32<Neon>::finish(n, w); }
}  // namespace neon
}  // namespace tickmlp
