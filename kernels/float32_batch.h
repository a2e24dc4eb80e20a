// SPDX-License-Identifier: Apache-2.0
// float32, several states at once: one template over an instruction set (its traits: float32.h). docs/BATCH.md has the
// figures.
//
// Weights of a few groups are loaded into registers once an input and used for a block of states, whose inputs are
// broadcast one by one. Each lane of each state stays one chain in ascending input order, so the bits are those of one
// state alone; the chains of 24 accumulators hide each other's latency.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"
#include "heads_batch.h"

namespace tickmlp {

template <class Isa>
struct Float32;

template <class Isa>
struct Float32Batch {
  using Vector = typename Isa::Vector;
  static constexpr uint32_t kWidth = Vector::size;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group
  static constexpr uint32_t kGroups = Isa::kBatchGroups, kStates = Isa::kBatchStates;

  // Where a block of states meets a strip of groups.
  struct Block {
    const Network& network;
    const float* weights;  // of the strip's first group and the first input
    size_t stride;         // floats from one input's weights to the next's
    uint32_t group;        // first group of the strip
    const float* inputs;   // of the block's first state
    float* hidden;         // of the block's first state
  };

  template <uint32_t kStripGroups, uint32_t kBlockStates>
  static void block(const Block& b) {
    constexpr uint32_t kRegisters = kStripGroups * kParts;
    const float* start = static_cast<const float*>(b.network.start) + b.group * kGroup;
    const uint32_t inputs = b.network.inputs;
    Vector a[kBlockStates][kRegisters];
#pragma GCC unroll 32
    for (uint32_t s = 0; s < kBlockStates; ++s)
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) a[s][r] = Vector::load_aligned(start + r * kWidth);
    const float* state[kBlockStates];
#pragma GCC unroll 32
    for (uint32_t s = 0; s < kBlockStates; ++s) state[s] = b.inputs + size_t{s} * inputs;
    const float* __restrict weights = b.weights;
    for (size_t i = 0; i < inputs; ++i, weights += b.stride) {
      Vector w[kRegisters];
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r) w[r] = Vector::load_aligned(weights + r * kWidth);
#pragma GCC unroll 32
      for (uint32_t s = 0; s < kBlockStates; ++s) {
        const Vector x(state[s][i]);
#pragma GCC unroll 32
        for (uint32_t r = 0; r < kRegisters; ++r) a[s][r] = Isa::fma(x, w[r], a[s][r]);
      }
    }
    float* hidden = b.hidden + b.group * kGroup;
#pragma GCC unroll 32
    for (uint32_t s = 0; s < kBlockStates; ++s)
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r)
        Isa::clamp(a[s][r], b.network.group_clamp[b.group + r / kParts])
            .store_aligned(hidden + size_t{s} * b.network.groups * kGroup + r * kWidth);
  }

  using BlockFunction = void (*)(const Block&);
  template <uint32_t... kIndex>
  struct Blocks {
    static constexpr BlockFunction kTable[] = {&block<kIndex / kStates + 1, kIndex % kStates + 1>...};
  };
  template <uint32_t... kIndex>
  static constexpr Blocks<kIndex...> blocks_of(std::integer_sequence<uint32_t, kIndex...>);
  using AllBlocks = decltype(blocks_of(std::make_integer_sequence<uint32_t, kGroups * kStates>()));

  // Strips outermost: a strip's weights (tactical: 80 KB) come from L2, 3 lines in 24 multiply-adds.
  static void layer1(const Network& network, const float* inputs, uint32_t states, float* hidden) {
    const uint32_t blocks = (states + kStates - 1) / kStates;
    for (const Strip *tile = network.tile, *end = tile + network.tiles; tile != end; ++tile) {
      const float* weights = static_cast<const float*>(tile->w1);
      const uint32_t strips = (tile->groups + kGroups - 1) / kGroups;
      uint32_t group = tile->group;
      for (uint32_t s = 0, first = 0; s < strips; ++s) {
        const uint32_t groups = tile_groups(tile->groups, strips, s);
        for (uint32_t b = 0, state = 0; b < blocks; ++b) {
          const uint32_t count = tile_groups(states, blocks, b);
          AllBlocks::kTable[(groups - 1) * kStates + count - 1](
              {network, weights + first * kGroup, tile->stride / sizeof(float), group,
               inputs + size_t{state} * network.inputs, hidden + size_t{state} * network.groups * kGroup});
          state += count;
        }
        first += groups;
        group += groups;
      }
    }
  }

  static BatchResult batch(const Network& network, const float* inputs, uint32_t states, BatchWorkspace& workspace,
                           float* outputs) {
    uint32_t finite = 0;
    while (finite < states && Float32<Isa>::all_finite(inputs + size_t{finite} * network.inputs, network.inputs))
      ++finite;
    layer1(network, inputs, finite, workspace.hidden);
    const uint32_t done = HeadsBatch<Isa>::finish(network, workspace, finite, outputs);
    if (done < finite) return {done, Outcome::kNonFiniteOutput, 0};
    return {finite, finite == states ? Outcome::kDone : Outcome::kNonFiniteInput, 0};
  }
};

}  // namespace tickmlp
