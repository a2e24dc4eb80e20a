// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "float32.h"
#include "float32_isa.h"
#include "heads.h"

namespace tickmlp {
namespace {

struct Neon {
  using Vector = xsimd::batch<float, xsimd::neon64>;
  static constexpr uint32_t kRegisterGroups = 6;  // 24 of 32 registers

  static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }

  // Sixteen virtual lanes of each of four heads, adding l + 8 and then l + 4: four are left of each, head by head.
  static void fold(const Vector (&a)[4], const Vector (&b)[4], const Vector (&c)[4], const Vector (&d)[4],
                   Vector (&four)[4]) {
    four[0] = (a[0] + a[2]) + (a[1] + a[3]);
    four[1] = (b[0] + b[2]) + (b[1] + b[3]);
    four[2] = (c[0] + c[2]) + (c[1] + c[3]);
    four[3] = (d[0] + d[2]) + (d[1] + d[3]);
  }
  static Vector zip_low(Vector a, Vector b) { return vzip1q_f32(a, b); }
  static Vector zip_high(Vector a, Vector b) { return vzip2q_f32(a, b); }
  static Vector join_low(Vector a, Vector b) { return vcombine_f32(vget_low_f32(a), vget_low_f32(b)); }
  static Vector join_high(Vector a, Vector b) { return vcombine_f32(vget_high_f32(a), vget_high_f32(b)); }
  template <int kLane>
  static Vector spread(Vector v) {
    return vdupq_laneq_f32(v, kLane);
  }

  static void place(const Vector (&results)[4], const HeadBlock& block, float* output) {
    place_in_order(results, block, output);
  }

  static Vector clamp(Vector a, float high) {
    const Vector zero(0.0f), bound(high);
    const Vector t = xsimd::select(a > zero, a, zero);
    return xsimd::select(t < bound, t, bound);
  }
};

}  // namespace

namespace neon {
extern const Functions float32 = Float32<Neon>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Neon>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, Workspace& workspace, float* output) {
  return Heads<Neon>::conclude(network, workspace, output);
}
}  // namespace neon
}  // namespace tickmlp
