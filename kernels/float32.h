// SPDX-License-Identifier: Apache-2.0
// float32 layer 1: one template over an instruction set. Each float32_ISA.cc instantiates it, and heads-inl.h, with a
// small traits struct `Isa`, and is compiled for that instruction set alone:
//   Vector            xsimd::batch<float, arch>
//   kRegisterGroups   groups whose accumulators fit the registers at once
//   kBatchGroups, kBatchStates   the same for a batch: groups and states at once
//   clamp(a, high)    t = a > 0 ? a : 0; t < high ? t : high, for NaN too: max and min differ there between x86 and Arm
//   tree_of_states(s) sixteen virtual lanes of as many states as a register has lanes, to a sum a lane
// and a pruned model's inputs:
//   gather(input, count, kept, to)    GatherFunction
// and where a tile fits the registers:
//   end(network, activation, output)  from its activations to the outputs
//   is_short(network, begin), short_path(network, row, begin, from, output)  a stretch of few inputs
//   finish_short(network, hidden, output)  from activations in memory, where network.short_heads
// and what layer2-inl.h asks for. (xsimd 8.1's own fma is a multiply and an add for AVX-512: 84 % of lanes differ.)
// Every function is a static member of a template over Isa, so that no symbol is shared between instruction sets.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"

namespace tickmlp {
namespace {
#include "heads-inl.h"
}
}  // namespace tickmlp

#include "float32_batch.h"

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
  // [lanes]. The accumulators go to `kept` [lanes], or, where that is nullptr, through clamp and layer 2 to the
  // workspace's sums.
  struct Stretch {
    const Network& network;
    const Workspace& workspace;
    const float* input;
    uint32_t begin, end;
    const float* from;
    float* kept;
    float* output;
    Outcome& outcome;  // set by the tile that is the only one

    // Asked behind layer 1, where it hides beside the last lines of weights; non-finite inputs do no harm there.
    bool finite() const { return all_finite(input, end - begin); }
  };
  static constexpr bool kWholeTiles = Isa::kRegisterGroups == kTileGroups;

  // kGroups neighbouring groups of one strip. Accumulators stay in registers because every loop over them has a
  // constant count. The port argument: one fused multiply-add with a memory operand for 64 bytes (AVX-512), so the loop
  // runs as fast as the cache hands over lines, and the broadcast of x[i] hides beside it.
  template <uint32_t kGroups>
  static void part(const Stretch& s, const Strip& strip) {
    constexpr uint32_t kRegisters = kGroups * kParts;
    const float* from = s.from + strip.group * kGroup;
    Vector a[kRegisters];
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Vector::load_aligned(from + r * kWidth);
    const uint32_t begin = s.begin > strip.begin ? s.begin : strip.begin, end = s.end < strip.end ? s.end : strip.end;
    const size_t stride = strip.stride / sizeof(float);
    const float* __restrict weights = static_cast<const float*>(strip.w1) + begin * stride;
    const float* __restrict input = s.input + (begin - s.begin);
    for (uint32_t i = begin; i < end; ++i, ++input, weights += stride) {
      const Vector x(*input);
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Isa::fma(x, Vector::load_aligned(weights + r * kWidth), a[r]);
    }
    if (s.kept != nullptr) {
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[r].store_aligned(s.kept + strip.group * kGroup + r * kWidth);
      return;
    }
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) a[r] = Isa::clamp(a[r], s.network.group_clamp[strip.group + r / kParts]);
    typename Isa::Register activation[kRegisters];
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) activation[r] = a[r];
    if constexpr (!kWholeTiles)
      if (strip.w2 != nullptr) return Heads<Isa>::layer2(strip, activation, s.workspace.sums);
    if constexpr (kWholeTiles)
      if (s.output != nullptr && s.network.small_outputs != 0) {
        s.outcome = s.finite() ? Isa::end(s.network, activation, s.output) : Outcome::kNonFiniteInput;
        return;
      }
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r)
      a[r].store_aligned(s.workspace.hidden + strip.group * kGroup + r * kWidth);
  }

  template <uint32_t... kIndex>
  struct Parts {
    static constexpr void (*kTable[])(const Stretch&, const Strip&) = {&part<kIndex + 1>...};
  };
  // parts_of(integer_sequence<0, 1, ..., n-1>): one function for each number of groups.
  template <uint32_t... kIndex>
  static constexpr Parts<kIndex...> parts_of(std::integer_sequence<uint32_t, kIndex...>);
  using AllParts = decltype(parts_of(std::make_integer_sequence<uint32_t, Isa::kRegisterGroups>()));

  // A strip that is wider than the registers, in parts.
  static void wide_strip(const Stretch& stretch, Strip strip) {
    for (uint32_t parts = (strip.groups - 1) / Isa::kRegisterGroups + 1; parts > 0; --parts) {
      const uint32_t groups = strip.groups / parts;
      AllParts::kTable[groups - 1](stretch, strip);
      skip(strip, groups);
    }
  }

  static void each_strip(const Stretch& stretch, const Strip* strip, uint32_t count) {
    for (const Strip* const end = strip + count; strip != end; ++strip)
      if (strip->groups <= Isa::kRegisterGroups) AllParts::kTable[strip->groups - 1](stretch, *strip);
      else wide_strip(stretch, *strip);
  }

  // Weights come fastest line by line, so whole tiles where they fit the registers.
  static Outcome run(const Stretch& stretch) {
    const Network& network = stretch.network;
    if (kWholeTiles) each_strip(stretch, network.tile, network.tiles);
    else each_strip(stretch, network.strip, network.strips);
    if (stretch.kept != nullptr) return stretch.finite() ? Outcome::kDone : Outcome::kNonFiniteInput;
    if (kWholeTiles && network.small_outputs != 0) return stretch.outcome;
    if (!stretch.finite()) return Outcome::kNonFiniteInput;
    if (kWholeTiles) Heads<Isa>::layer2_of_hidden(network, stretch.workspace);
    return Heads<Isa>::conclude(network, stretch.workspace, stretch.output);
  }

  static Outcome advance(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
    Outcome outcome;
    return run({network, workspace, input, 0, end, static_cast<const float*>(network.start), static_cast<float*>(kept),
                nullptr, outcome});
  }

  static Outcome tick(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                      float* output) {
    if constexpr (kWholeTiles)
      if (Isa::is_short(network, begin))
        return Isa::short_path(network, row, begin, static_cast<const float*>(kept), output);
    Outcome outcome;
    return run(
        {network, workspace, row, begin, network.inputs, static_cast<const float*>(kept), nullptr, output, outcome});
  }

  static Outcome infer(const Network& network, const float* input, Workspace& workspace, float* output) {
    return tick(network, input, 0, workspace, network.start, output);
  }

  // The full path in three parts, for a team of cores.
  static Outcome encode(const Network& network, const float* input, void* codes, uint64_t* clipped) {
    *clipped = 0;
    const uint32_t inputs = network.inputs, whole = inputs / (4 * kWidth) * (4 * kWidth);
    auto* const copy = static_cast<float*>(codes);
    const Vector zero(0.0f);
    Vector nan[4] = {zero, zero, zero, zero};  // x * 0 + nan stays 0 until a value is not finite
    for (uint32_t i = 0; i < whole; i += 4 * kWidth)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < 4; ++k) {
        const Vector x = Vector::load_unaligned(input + i + k * kWidth);
        x.store_aligned(copy + i + k * kWidth);
        nan[k] = Isa::fma(x, zero, nan[k]);
      }
    for (uint32_t i = whole; i < inputs; ++i) copy[i] = input[i];
    const Vector sum = (nan[0] + nan[1]) + (nan[2] + nan[3]);
    const bool finite = xsimd::all(sum == sum) && all_finite(input + whole, inputs - whole);
    return finite ? Outcome::kDone : Outcome::kNonFiniteInput;
  }

  // Each lane's order is fixed; tiles are taken in turns from the front and from the back.
  static void lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards,
                    float* hidden) {
    Workspace workspace = {};
    workspace.hidden = hidden;
    Outcome outcome;
    const Stretch stretch{network, workspace,      static_cast<const float*>(codes),
                          0,       network.inputs, static_cast<const float*>(network.start),
                          nullptr, nullptr,        outcome};
    for (uint32_t t = 0; t < network.tiles; ++t) {
      const Strip part = cut(network.tile[backwards ? network.tiles - 1 - t : t], begin, end);
      if (part.groups != 0) each_strip(stretch, &part, 1);
    }
  }

  static Outcome finish(const Network& network, const Workspace& workspace, float* output) {
    if constexpr (kWholeTiles)
      if (network.short_heads) return Isa::finish_short(network, workspace.hidden, output);
    Heads<Isa>::layer2_of_hidden(network, workspace);
    return Heads<Isa>::conclude(network, workspace, output);
  }

  static constexpr Functions kFunctions = {.infer = infer,
                                           .advance = advance,
                                           .tick = tick,
                                           .encode = encode,
                                           .lanes = lanes,
                                           .finish = finish,
                                           .batch = Float32Batch<Isa>::batch,
                                           .gather = Isa::gather};
};

}  // namespace tickmlp
