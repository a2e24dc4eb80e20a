// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"
#include "scalar.h"

namespace tickmlp {
namespace {

// Entry m: the lanes whose bits are set in m, in ascending order.
struct LaneOrders {
  alignas(64) uint8_t lane[256][8];
  constexpr LaneOrders() : lane() {
    for (uint32_t mask = 0; mask < 256; ++mask)
      for (uint8_t bit = 0, count = 0; bit < 8; ++bit)
        if (mask >> bit & 1) lane[mask][count++] = bit;
  }
};
constexpr LaneOrders kOrders;

struct Avx2 {
  using Vector = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  using Integers = xsimd::batch<int32_t, xsimd::fma3<xsimd::avx2>>;
  using Register = __m256;
  static constexpr uint32_t kLanes = 8;
  static constexpr uint32_t kRegisterGroups = 6;                 // 12 of 16 registers
  static constexpr uint32_t kBatchGroups = 1, kBatchStates = 6;  // 12 accumulators, 2 of weights, 1 input

  static Register load(const float* from) { return _mm256_load_ps(from); }
  static void store(Register v, float* to) { _mm256_store_ps(to, v); }
  static Register all(float value) { return _mm256_set1_ps(value); }
  static Register fma(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
  static Register maximum(Register a, Register b) { return _mm256_max_ps(a, b); }
  static Register where_less(Register a, Register b, Register yes, Register no) {
    return xsimd::select(Vector(a) < Vector(b), Vector(yes), Vector(no));
  }
  static Register times_power_of_two(Register p, Register t) {
    const Integers exponent = xsimd::bitwise_cast<Integers>(Vector(t)) << 23;
    return xsimd::bitwise_cast<Vector>(xsimd::bitwise_cast<Integers>(Vector(p)) + exponent);
  }
  static bool finite(Register v, Register start) {
    const Vector infinity(__builtin_inff());
    return xsimd::all(Vector(start) == -infinity || xsimd::abs(Vector(v)) < infinity);
  }

  // Sixteen virtual lanes of each of four heads, adding l + 8 and then l + 4: four are left of each, head by head.
  static void fold(const Register (&a)[2], const Register (&b)[2], const Register (&c)[2], const Register (&d)[2],
                   Register (&four)[2]) {
    four[0] = halves(_mm256_add_ps(a[0], a[1]), _mm256_add_ps(b[0], b[1]));
    four[1] = halves(_mm256_add_ps(c[0], c[1]), _mm256_add_ps(d[0], d[1]));
  }
  static __m256 halves(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  static Register zip_low(Register a, Register b) { return _mm256_unpacklo_ps(a, b); }
  static Register zip_high(Register a, Register b) { return _mm256_unpackhi_ps(a, b); }
  static Register join_low(Register a, Register b) { return _mm256_shuffle_ps(a, b, 0x44); }
  static Register join_high(Register a, Register b) { return _mm256_shuffle_ps(a, b, 0xEE); }
  template <int kLane>
  static Register spread(Register v) {
    return _mm256_permute_ps(v, kLane * 0x55);
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

  static void place(const Register (&results)[2], const HeadBlock& block, float* output) {
    place_in_order<Avx2>(results, block, output);
  }

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm256_min_ps(_mm256_max_ps(a, _mm256_setzero_ps()), _mm256_set1_ps(high));
  }

  static bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
    const Vector infinity(__builtin_inff());
    auto finite = xsimd::abs(Vector(0.0f)) < infinity;
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8, ++kept) {
      const Vector x = Vector::load_unaligned(input + i);
      finite = finite && (xsimd::abs(x) < infinity);
      const __m128i order = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kOrders.lane[*kept]));
      _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(x, _mm256_cvtepu8_epi32(order)));
      to += __builtin_popcount(*kept);
    }
    return scalar::gather(input + i, count - i, kept, to) && xsimd::all(finite);
  }
};

}  // namespace

namespace avx2 {
extern const Functions float32 = Float32<Avx2>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Avx2>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, const Workspace& workspace, float* output) {
  return Heads<Avx2>::conclude(network, workspace, output);
}
Outcome finish(const Network& network, const Workspace& workspace, float* output) {
  return Float32<Avx2>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Avx2>::finish(network, workspace, states, outputs);
}
bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
  return Avx2::gather(input, count, kept, to);
}
}  // namespace avx2
}  // namespace tickmlp
