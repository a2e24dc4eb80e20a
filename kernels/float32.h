// SPDX-License-Identifier: Apache-2.0
// float32 layer 1: one template over an instruction set. Each float32_ISA.cc instantiates it, and heads.h, with a small
// traits struct `Isa`, and is compiled for that instruction set alone:
//   Vector            xsimd::batch<float, arch>
//   kRegisterGroups   groups whose accumulators fit the registers at once
//   kBatchGroups, kBatchStates   the same for a batch: groups and states at once
//   fma(a, b, c)      a * b + c, rounded once (xsimd 8.1's own is a multiply and an add for AVX-512)
//   clamp(a, high)    t = a > 0 ? a : 0; t < high ? t : high, for NaN too: max and min differ there between x86 and Arm
//   fma4(a, b, c)     the same for four lanes
//   tree(a, b, c, d)  sixteen virtual lanes of each of four heads, P registers each, to their four sums
//   tree_of_states(s) the same for as many states as a register has lanes: a sum a lane
//   none(mask)        no bit of an Int4 is set
//   place(results, block, output)  the [4][4] results of a small block to the model's outputs
// Every function is a static member of a template over Isa, so that no symbol is shared between instruction sets.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"
#include "float32_batch.h"
#include "heads.h"

namespace tickmlp {

template <class Isa>
struct Float32 {
  using Vector = typename Isa::Vector;
  static constexpr uint32_t kWidth = Vector::size;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group

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

  // A stretch of layer 1: inputs begin .. end - 1, of which `input` is the first, from the accumulators `from`
  // [lanes]. The accumulators go to `kept` [lanes], or, where that is nullptr, through the clamp to the workspace's
  // hidden.
  struct Stretch {
    const Network& network;
    const float* input;
    uint32_t begin, end;
    const float* from;
    float* kept;
    float* hidden;
  };

  // Layer 1 of kGroups neighbouring groups of one tile. Accumulators stay in registers because every loop over them has
  // a constant count. The port argument: one fused multiply-add with a memory operand for 64 bytes (AVX-512), so the
  // loop runs as fast as the cache hands over lines, and the broadcast of x[i] hides beside it.
  template <uint32_t kGroups>
  static void strip(const Stretch& s, const float* __restrict weights, size_t stride, uint32_t group) {
    constexpr uint32_t kRegisters = kGroups * kParts;
    const float* from = s.from + group * kGroup;
    Vector a[kRegisters];
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Vector::load_aligned(from + r * kWidth);
    weights += s.begin * stride;
    const float* __restrict input = s.input;
    for (const float* const end = input + (s.end - s.begin); input != end; ++input, weights += stride) {
      const Vector x(*input);
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Isa::fma(x, Vector::load_aligned(weights + r * kWidth), a[r]);
    }
    if (s.kept != nullptr) {
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[r].store_aligned(s.kept + group * kGroup + r * kWidth);
      return;
    }
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r)
      Isa::clamp(a[r], s.network.group_clamp[group + r / kParts]).store_aligned(s.hidden + group * kGroup + r * kWidth);
  }

  using Strip = void (*)(const Stretch&, const float*, size_t, uint32_t);

  template <uint32_t... kIndex>
  struct Strips {
    static constexpr Strip kTable[] = {&strip<kIndex + 1>...};
  };
  // strips_of(integer_sequence<0, 1, ..., n-1>): one function for each number of groups.
  template <uint32_t... kIndex>
  static constexpr Strips<kIndex...> strips_of(std::integer_sequence<uint32_t, kIndex...>);
  using AllStrips = decltype(strips_of(std::make_integer_sequence<uint32_t, Isa::kRegisterGroups>()));

  static void layer1(const Stretch& stretch) {
    const Network& network = stretch.network;
    const uint32_t tiles = tile_count(network.groups);
    const float* weights = static_cast<const float*>(network.w1);
    uint32_t group = 0;
    for (uint32_t tile = 0; tile < tiles; ++tile) {
      const uint32_t width = tile_groups(network.groups, tiles, tile);
      const uint32_t strips = (width + Isa::kRegisterGroups - 1) / Isa::kRegisterGroups;
      uint32_t first = 0;
      for (uint32_t s = 0; s < strips; ++s) {
        const uint32_t groups = tile_groups(width, strips, s);
        AllStrips::kTable[groups - 1](stretch, weights + first * kGroup, width * kGroup, group);
        first += groups;
        group += groups;
      }
      weights += static_cast<size_t>(width) * kGroup * network.inputs;
    }
  }

  static Outcome advance(const Network& network, const float* input, uint32_t end, Workspace&, void* kept) {
    layer1({network, input, 0, end, static_cast<const float*>(network.start), static_cast<float*>(kept), nullptr});
    return all_finite(input, end) ? Outcome::kDone : Outcome::kNonFiniteInput;
  }

  static Outcome tick(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                      float* output) {
    layer1({network, row, begin, network.inputs, static_cast<const float*>(kept), nullptr, workspace.hidden});
    // Behind layer 1, where it hides beside the last lines of weights; non-finite inputs do no harm there.
    if (!all_finite(row, network.inputs - begin)) return Outcome::kNonFiniteInput;
    return Heads<Isa>::finish(network, workspace, output);
  }

  static Outcome infer(const Network& network, const float* input, Workspace& workspace, float* output) {
    return tick(network, input, 0, workspace, network.start, output);
  }

  static constexpr Functions kFunctions = {
      .infer = infer, .advance = advance, .tick = tick, .batch = Float32Batch<Isa>::batch};
};

}  // namespace tickmlp
