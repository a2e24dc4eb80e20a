// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"

namespace tickmlp {
namespace {

#include "avx512-inl.h"

#include "avx512_short-inl.h"

struct Layer1 : Avx512 {
  using Vector = xsimd::batch<float, xsimd::avx512f>;
  static constexpr uint32_t kRegisterGroups = 16;                // 16 of 32 registers
  static constexpr uint32_t kBatchGroups = 3, kBatchStates = 8;  // 24 accumulators, 3 of weights, 1 input

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm512_min_ps(_mm512_max_ps(a, _mm512_setzero_ps()), _mm512_set1_ps(high));
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

  // Layer 1 of a short stretch: inputs `begin` and on, of which `input` is the first, from the sums `from`.
  struct Short {
    const float* input;
    uint32_t begin;
    const float* from;
    size_t stride;  // floats from one input's weights to the next's

    template <uint32_t kGroups>
    inline __attribute__((always_inline)) void layer1(const ShortHead& head, __m512 (&sum)[kGroups]) const {
      const float* start = from + head.lane;
      uint32_t i = begin > head.begin ? begin : head.begin;
      const float* weights = static_cast<const float*>(head.w1) + i * stride;
#pragma GCC unroll 4
      for (uint32_t g = 0; g < kGroups; ++g) sum[g] = _mm512_load_ps(start + g * kGroup);
      for (; i < head.end; ++i, weights += stride) {
        const __m512 x = _mm512_set1_ps(input[i - begin]);
#pragma GCC unroll 4
        for (uint32_t g = 0; g < kGroups; ++g)
          sum[g] = _mm512_fmadd_ps(x, _mm512_load_ps(weights + g * kGroup), sum[g]);
      }
    }
  };
  static bool is_short(const Network& network, uint32_t begin) {
    return network.inputs - begin <= kShortInputs && network.short_heads;
  }
  template <uint32_t kOutputs>
  __attribute__((noinline)) static Outcome short_part(const Network& network, const float* row, uint32_t begin,
                                                      const float* from, float* output) {
    return short_heads<kOutputs>(network, Short{row, begin, from, network.groups * size_t{kGroup}}, output);
  }
  static Outcome short_path(const Network& network, const float* row, uint32_t begin, const float* from,
                            float* output) {
    const uint32_t count = network.inputs - begin;
    if (any_not_finite(load_short(row, below(count), count))) return Outcome::kNonFiniteInput;
    return (network.small_outputs <= 3 ? short_part<3> : short_part<4>)(network, row, begin, from, output);
  }

  // From activations in memory, which the clamp leaves as they are.
  struct Hidden {
    const float* hidden;
    template <uint32_t kGroups>
    inline __attribute__((always_inline)) void layer1(const ShortHead& head, __m512 (&sum)[kGroups]) const {
#pragma GCC unroll 4
      for (uint32_t g = 0; g < kGroups; ++g) sum[g] = _mm512_load_ps(hidden + head.lane + g * kGroup);
    }
  };
  static Outcome finish_short(const Network& network, const float* hidden, float* output) {
    if (network.small_outputs <= 3) return short_heads<3>(network, Hidden{hidden}, output);
    return short_heads<4>(network, Hidden{hidden}, output);
  }

  // The compressed register is stored whole: with a mask the store takes Zen 4 more than a hundred cycles.
  static bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
    __mmask16 infinite = 0;
    for (uint32_t i = 0; i < count; i += 16) {
      const uint32_t left = count - i;
      const auto inside = static_cast<__mmask16>(left < 16 ? (1u << left) - 1 : 0xFFFF);
      __mmask16 keep;  // bits beyond the last input take zeros along, behind all others
      __builtin_memcpy(&keep, kept + i / 8, sizeof keep);
      const __m512 x = _mm512_maskz_loadu_ps(inside, input + i);
      infinite |= _mm512_fpclass_ps_mask(x, 0x99);  // NaNs and infinities
      _mm512_storeu_ps(to, _mm512_maskz_compress_ps(keep, x));
      to += __builtin_popcount(keep);
    }
    return infinite == 0;
  }

  template <uint32_t kGroups>
  static inline __attribute__((always_inline)) Outcome end(const Network& network, const __m512 (&activation)[kGroups],
                                                           float* output) {
    if (network.small_outputs <= 3) return end_tile<3>(network, activation, output);
    return end_tile<4>(network, activation, output);
  }
};

}  // namespace

namespace avx512 {
extern const Functions float32 = Float32<Layer1>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Avx512>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, const Workspace& workspace, float* output) {
  return Heads<Avx512>::conclude(network, workspace, output);
}
Outcome finish(const Network& network, const Workspace& workspace, float* output) {
  return Float32<Layer1>::finish(network, workspace, output);
}
uint32_t finish_batch(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
  return HeadsBatch<Layer1>::finish(network, workspace, states, outputs);
}
bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
  return Layer1::gather(input, count, kept, to);
}
}  // namespace avx512
}  // namespace tickmlp
