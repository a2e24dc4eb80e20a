// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "float32.h"
#include "float32_isa.h"
#include "scalar.h"

namespace tickmlp {
namespace {

// Entry m: the bytes of the lanes whose bits are set in m, in ascending order, and how many lanes these are.
struct LaneOrders {
  alignas(64) uint8_t byte[16][16];
  uint8_t count[16];
  constexpr LaneOrders() : byte(), count() {
    for (uint32_t mask = 0; mask < 16; ++mask)
      for (uint32_t bit = 0; bit < 4; ++bit)
        if (mask >> bit & 1) {
          for (uint32_t b = 0; b < 4; ++b) byte[mask][4 * count[mask] + b] = static_cast<uint8_t>(4 * bit + b);
          ++count[mask];
        }
  }
};
constexpr LaneOrders kOrders;

struct Neon {
  using Vector = xsimd::batch<float, xsimd::neon64>;
  using Register = float32x4_t;
  static constexpr uint32_t kLanes = 4;
  static constexpr uint32_t kRegisterGroups = 6;                 // 24 of 32 registers
  static constexpr uint32_t kBatchGroups = 1, kBatchStates = 6;  // 24 accumulators, 4 of weights, 1 input

  static Register load(const float* from) { return vld1q_f32(from); }
  static void store(Register v, float* to) { vst1q_f32(to, v); }
  static Register all(float value) { return vdupq_n_f32(value); }
  static Register fma(Register a, Register b, Register c) { return vfmaq_f32(c, a, b); }
  static Register maximum(Register a, Register b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static Register where_less(Register a, Register b, Register yes, Register no) {
    return vbslq_f32(vcltq_f32(a, b), yes, no);
  }
  static Register times_power_of_two(Register p, Register t) {
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vreinterpretq_s32_f32(t), 23)));
  }
  static bool finite(Register v, Register start) {
    const Register infinity = all(__builtin_inff());
    return vminvq_u32(vorrq_u32(vceqq_f32(start, vnegq_f32(infinity)), vcltq_f32(vabsq_f32(v), infinity))) != 0;
  }

  // Sixteen virtual lanes of each of four heads, adding l + 8 and then l + 4: four are left of each, head by head.
  static void fold(const Register (&a)[4], const Register (&b)[4], const Register (&c)[4], const Register (&d)[4],
                   Register (&four)[4]) {
    four[0] = (a[0] + a[2]) + (a[1] + a[3]);
    four[1] = (b[0] + b[2]) + (b[1] + b[3]);
    four[2] = (c[0] + c[2]) + (c[1] + c[3]);
    four[3] = (d[0] + d[2]) + (d[1] + d[3]);
  }
  static Register zip_low(Register a, Register b) { return vzip1q_f32(a, b); }
  static Register zip_high(Register a, Register b) { return vzip2q_f32(a, b); }
  static Register join_low(Register a, Register b) { return vcombine_f32(vget_low_f32(a), vget_low_f32(b)); }
  static Register join_high(Register a, Register b) { return vcombine_f32(vget_high_f32(a), vget_high_f32(b)); }
  template <int kLane>
  static Register spread(Register v) {
    return vdupq_laneq_f32(v, kLane);
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

  static void place(const Register (&results)[4], const HeadBlock& block, float* output) {
    place_in_order<Neon>(results, block, output);
  }

  static Vector clamp(Vector a, float high) {
    const Vector zero(0.0f), bound(high);
    const Vector t = xsimd::select(a > zero, a, zero);
    return xsimd::select(t < bound, t, bound);
  }

  static uint32_t gather_four(Register x, uint32_t mask, float* to) {
    vst1q_f32(to, vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(x), vld1q_u8(kOrders.byte[mask]))));
    return kOrders.count[mask];
  }
  static bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
    const Register infinity = all(__builtin_inff());
    uint32x4_t finite = vdupq_n_u32(~0u);
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8, ++kept) {
      const Register low = vld1q_f32(input + i), high = vld1q_f32(input + i + 4);
      finite = vandq_u32(finite, vandq_u32(vcltq_f32(vabsq_f32(low), infinity), vcltq_f32(vabsq_f32(high), infinity)));
      to += gather_four(low, *kept & 15u, to);
      to += gather_four(high, *kept >> 4, to);
    }
    return scalar::gather(input + i, count - i, kept, to) && vminvq_u32(finite) != 0;
  }
};

}  // namespace

namespace neon {
extern const Functions float32 = Float32<Neon>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Neon>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, const Workspace& workspace, float* output) {
  return Heads<Neon>::conclude(network, workspace, output);
}
Outcome finish(const Network& network, const Workspace& workspace, float* output) {
  return Float32<Neon>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Neon>::finish(network, workspace, states, outputs);
}
bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
  return Neon::gather(input, count, kept, to);
}
}  // namespace neon
}  // namespace tickmlp
