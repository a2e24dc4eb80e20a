// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: several states at once. docs/BATCH.md
// has the figures.
//
// A strip is a few vectors of neighbouring lanes. Its weights are loaded into registers once a quad of inputs, and used
// for a block of states, whose quads are broadcast one by one.

constexpr uint32_t kUnit = HWY_LANES(int32_t);  // lanes of one vector of sums

// Where a block of states meets a strip of lanes.
struct BatchBlock {
  const Network& network;
  const BatchWorkspace& workspace;
  const int8_t* weights;  // of the strip's first lane, first quad
  size_t stride;          // bytes from one quad's weights to the next's
  uint32_t lane;          // first lane of the strip
  uint32_t state;         // first state of the block
};

HWY_INLINE void activate_unit(const BatchBlock& b, I32 sum, uint32_t state, uint32_t unit) {
  const uint32_t lane = b.lane + unit * kUnit;
  const Network& network = b.network;
  const F32 high = hn::Set(kF32, network.group_clamp[lane / kGroup]);
  const F32 a = hn::Mul(hn::ConvertTo(kF32, sum), hn::Load(kF32, network.lane_scale + lane));
  float* hidden = b.workspace.hidden + static_cast<size_t>(b.state + state) * network.groups * kGroup;
  hn::Store(hn::Min(hn::Max(a, hn::Zero(kF32)), high), kF32, hidden + lane);
}

#if HWY_TARGET == HWY_AVX3_DL
#include "int8_batch_vnni-inl.h"
#else
#include "int8_batch_widening-inl.h"
#endif

// One function for each number of units and of states, so that the compiler sees every loop over accumulators unrolled.
using BatchBlockFunction = void (*)(const BatchBlock&);
template <uint32_t... kIndex>
struct BatchBlocks {
  static constexpr BatchBlockFunction kTable[] = {
      &batch_block<kIndex / kBlockStates + 1, kIndex % kBlockStates + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeBatchBlocks : MakeBatchBlocks<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeBatchBlocks<0, kIndex...> : BatchBlocks<kIndex...> {};

// Strips outermost: a strip's weights (tactical: 20 KB of 94) stay in L1 for all blocks of states.
HWY_INLINE void batch_layer1(const Network& network, const BatchWorkspace& workspace, uint32_t states) {
  const uint32_t blocks = (states + kBlockStates - 1) / kBlockStates;
  for (const Strip *tile = network.tile, *end = tile + network.tiles; tile != end; ++tile) {
    const auto* weights = static_cast<const int8_t*>(tile->w1);
    const uint32_t units = tile->groups * kGroup / kUnit, strips = (units + kStripUnits - 1) / kStripUnits;
    uint32_t lane = tile->group * kGroup;
    for (uint32_t s = 0, first = 0; s < strips; ++s) {
      const uint32_t count = tile_groups(units, strips, s);
      for (uint32_t b = 0, state = 0; b < blocks; ++b) {
        const uint32_t block = tile_groups(states, blocks, b);
        MakeBatchBlocks<kStripUnits * kBlockStates>::kTable[(count - 1) * kBlockStates + block - 1](
            {network, workspace, weights + first * kUnit * 4, tile->stride, lane, state});
        state += block;
      }
      first += count;
      lane += count * kUnit;
    }
  }
}

#if HWY_TARGET == HWY_SSE4  // no fused multiply-add here
uint32_t finish_batch(const Network& network, BatchWorkspace& workspace, uint32_t states, float* outputs) {
  for (uint32_t s = 0; s < states; ++s) {
    Workspace one = workspace.one;
    one.hidden = workspace.hidden + static_cast<size_t>(s) * network.groups * kGroup;
    if (scalar::finish(network, one, outputs + static_cast<size_t>(s) * network.outputs) != Outcome::kDone) return s;
  }
  return states;
}
#else
using isa::finish_batch;
#endif

BatchResult batch(const Network& network, const float* inputs, uint32_t states, BatchWorkspace& workspace,
                  float* outputs) {
  uint32_t clipped[kMaxBatchStates];
  uint32_t finite = 0;
  while (finite < states && quantise_state(network, inputs + static_cast<size_t>(finite) * network.inputs,
                                           workspace.codes + finite * workspace.codes_stride, clipped[finite]))
    ++finite;
  batch_layer1(network, workspace, finite);
  BatchResult result = {finish_batch(network, workspace, finite, outputs), Outcome::kDone, 0};
  for (uint32_t s = 0; s < result.done; ++s) result.clipped += clipped[s];
  if (result.done < finite) result.outcome = Outcome::kNonFiniteOutput;
  else if (finite < states) result.outcome = Outcome::kNonFiniteInput;
  return result;
}
