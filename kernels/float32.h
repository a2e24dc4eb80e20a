// SPDX-License-Identifier: Apache-2.0
// float32 layer 1, and layer 2 with the heads for both element types: one template over an instruction set. Each
// float32_ISA.cc instantiates it with a small traits struct `Isa` and is compiled for that instruction set alone:
//   Vector            xsimd::batch<float, arch>
//   kRegisterGroups   groups whose accumulators fit the registers at once
//   fma(a, b, c)      a * b + c, rounded once (xsimd 8.1's own is a multiply and an add for AVX-512)
//   fold(const Vector (&s)[P])  sixteen virtual lanes to four, adding l + 8 and then l + 4
// Every function is a static member of a template over Isa, so that no symbol is shared between instruction sets.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"

namespace tickmlp {

using Float4 = float __attribute__((vector_size(16)));

template <class Isa>
struct Float32 {
  using Vector = typename Isa::Vector;
  static constexpr uint32_t kWidth = Vector::size;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group

  static Vector clamp(Vector a, float high) {
    const Vector zero(0.0f), bound(high);
    const Vector t = xsimd::select(a > zero, a, zero);
    return xsimd::select(t < bound, t, bound);
  }

  // All lanes of every vector in values[0, count): |v| < infinity. The last, partial vector goes through a copy, so
  // that nothing beyond the input is read.
  static bool all_finite(const float* values, uint32_t count) {
    const Vector infinity(__builtin_inff());
    auto good = xsimd::abs(Vector(0.0f)) < infinity;
    uint32_t i = 0;
    for (; i + kWidth <= count; i += kWidth) good = good && (xsimd::abs(Vector::load_unaligned(values + i)) < infinity);
    alignas(64) float rest[kWidth] = {};
    for (uint32_t k = 0; i + k < count; ++k) rest[k] = values[i + k];
    good = good && (xsimd::abs(Vector::load_aligned(rest)) < infinity);
    return xsimd::all(good);
  }

  // Layer 1 of kGroups neighbouring groups of one tile. Accumulators stay in registers because every loop over them has
  // a constant count. The port argument: one fused multiply-add with a memory operand for 64 bytes (AVX-512), so the
  // loop runs as fast as the cache hands over lines, and the broadcast of x[i] hides beside it.
  template <uint32_t kGroups>
  static void strip(const Network& network, const float* __restrict input, const float* __restrict weights,
                    size_t stride, uint32_t group, float* __restrict hidden) {
    constexpr uint32_t kRegisters = kGroups * kParts;
    const float* start = static_cast<const float*>(network.start) + group * kGroup;
    Vector a[kRegisters];
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Vector::load_aligned(start + r * kWidth);
    for (uint32_t i = 0; i < network.inputs; ++i, weights += stride) {
      const Vector x(input[i]);
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Isa::fma(x, Vector::load_aligned(weights + r * kWidth), a[r]);
    }
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r)
      clamp(a[r], network.group_clamp[group + r / kParts]).store_aligned(hidden + group * kGroup + r * kWidth);
  }

  using Strip = void (*)(const Network&, const float*, const float*, size_t, uint32_t, float*);

  template <uint32_t... kIndex>
  struct Strips {
    static constexpr Strip kTable[] = {&strip<kIndex + 1>...};
  };
  // strips_of(integer_sequence<0, 1, ..., n-1>): one function for each number of groups.
  template <uint32_t... kIndex>
  static constexpr Strips<kIndex...> strips_of(std::integer_sequence<uint32_t, kIndex...>);
  using AllStrips = decltype(strips_of(std::make_integer_sequence<uint32_t, Isa::kRegisterGroups>()));

  static void layer1(const Network& network, const float* input, float* hidden) {
    const uint32_t tiles = tile_count(network.groups);
    const float* weights = static_cast<const float*>(network.w1);
    uint32_t group = 0;
    for (uint32_t tile = 0; tile < tiles; ++tile) {
      const uint32_t width = tile_groups(network.groups, tiles, tile);
      const uint32_t strips = (width + Isa::kRegisterGroups - 1) / Isa::kRegisterGroups;
      uint32_t first = 0;
      for (uint32_t s = 0; s < strips; ++s) {
        const uint32_t groups = tile_groups(width, strips, s);
        AllStrips::kTable[groups - 1](network, input, weights + first * kGroup, width * kGroup, group, hidden);
        first += groups;
        group += groups;
      }
      weights += static_cast<size_t>(width) * kGroup * network.inputs;
    }
  }

  // ---- Layer 2 and the heads ----

  // Sixteen virtual lanes of one output, folded to four.
  static Float4 output_lanes(const float* hidden, const float* row, uint32_t groups) {
    Vector s[kParts];
#pragma GCC unroll 4
    for (uint32_t p = 0; p < kParts; ++p) s[p] = Vector(0.0f);
    for (uint32_t b = 0; b < groups; ++b) {
#pragma GCC unroll 4
      for (uint32_t p = 0; p < kParts; ++p) {
        const uint32_t at = b * kGroup + p * kWidth;
        s[p] = Isa::fma(Vector::load_aligned(hidden + at), Vector::load_aligned(row + at), s[p]);
      }
    }
    return Isa::fold(s);
  }

  // The rest of the tree for four outputs at once: a 4 x 4 transpose, then (v0 + v2) + (v1 + v3).
  static Float4 finish_tree(Float4 a, Float4 b, Float4 c, Float4 d) {
    const Float4 ab02 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab13 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const Float4 cd02 = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd13 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
    const Float4 v0 = __builtin_shufflevector(ab02, cd02, 0, 1, 4, 5),
                 v2 = __builtin_shufflevector(ab02, cd02, 2, 3, 6, 7);
    const Float4 v1 = __builtin_shufflevector(ab13, cd13, 0, 1, 4, 5),
                 v3 = __builtin_shufflevector(ab13, cd13, 2, 3, 6, 7);
    return (v0 + v2) + (v1 + v3);
  }

  static void layer2(const Network& network, const float* hidden, float* logits) {
    for (uint32_t h = 0; h < network.heads; ++h) {
      const Head& head = network.head[h];
      const float* lanes = hidden + head.group_begin * kGroup;
      const size_t row_size = static_cast<size_t>(head.groups) * kGroup;
      for (uint32_t k = 0; k < head.outputs; k += 4) {
        const uint32_t block = head.outputs - k < 4 ? head.outputs - k : 4;
        Float4 folded[4] = {};
        for (uint32_t j = 0; j < block; ++j) folded[j] = output_lanes(lanes, head.w2 + (k + j) * row_size, head.groups);
        const Float4 sums = finish_tree(folded[0], folded[1], folded[2], folded[3]);
        for (uint32_t j = 0; j < block; ++j) {
          const uint32_t output = head.output_begin + k + j;
          logits[output] = sums[j] + network.start2[output];
        }
      }
    }
  }

  static Vector exp32(Vector x) {
    const Vector magic(12582912.0f);
    const Vector t = Isa::fma(x, Vector(0x1.715476p+0f), magic);
    const Vector k = t - magic;
    Vector r = Isa::fma(k, Vector(-0x1.62e430p-1f), x);
    r = Isa::fma(k, Vector(0x1.05c610p-29f), r);
    Vector p(0x1.6a23cep-10f);
    p = Isa::fma(p, r, Vector(0x1.123a20p-7f));
    p = Isa::fma(p, r, Vector(0x1.5558f2p-5f));
    p = Isa::fma(p, r, Vector(0x1.555492p-3f));
    p = Isa::fma(p, r, Vector(0x1.fffffcp-2f));
    p = Isa::fma(p, r, Vector(1.0f));
    p = Isa::fma(p, r, Vector(1.0f));
    const Vector power = Isa::power_of_two(t);
    return xsimd::select(x < Vector(-87.0f), Vector(0.0f), p * power);
  }

  // Head by head the maxima and sums, which have a fixed order; the exponentials and divisions for all outputs at once.
  // logits and outputs are padded to 16, so whole vectors may be read and written. logits becomes scratch.
  static void softmax(const Network& network, float* logits, float* outputs) {
    for (uint32_t h = 0; h < network.heads; ++h) {
      const Head& head = network.head[h];
      float* logit = logits + head.output_begin;
      float m = logit[0];
      for (uint32_t k = 1; k < head.outputs; ++k) m = logit[k] > m ? logit[k] : m;
      for (uint32_t k = 0; k < head.outputs; ++k) {
        outputs[head.output_begin + k] = logit[k];
        logit[k] = head.softmax ? logit[k] - m : 0.0f;
      }
    }
    for (uint32_t k = 0; k < network.outputs; k += kWidth)
      exp32(Vector::load_aligned(logits + k)).store_aligned(logits + k);
    for (uint32_t h = 0; h < network.heads; ++h) {
      const Head& head = network.head[h];
      if (!head.softmax) continue;
      const float* e = logits + head.output_begin;
      float sum = e[0];
      for (uint32_t k = 1; k < head.outputs; ++k) sum = sum + e[k];
      for (uint32_t k = 0; k < head.outputs; ++k) outputs[head.output_begin + k] = e[k] / sum;
    }
  }

  static Outcome finish(const Network& network, Workspace& workspace) {
    layer2(network, workspace.hidden, workspace.logits);
    if (!all_finite(workspace.logits, network.outputs)) return Outcome::kNonFiniteOutput;
    softmax(network, workspace.logits, workspace.outputs);
    return Outcome::kDone;
  }

  static Outcome infer(const Network& network, const float* input, Workspace& workspace) {
    if (!all_finite(input, network.inputs)) return Outcome::kNonFiniteInput;
    layer1(network, input, workspace.hidden);
    return finish(network, workspace);
  }
};

}  // namespace tickmlp
