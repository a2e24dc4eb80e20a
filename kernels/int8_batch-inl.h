// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: several states at once. docs/BATCH.md
// has the figures.
//
// A strip is a few vectors of neighbouring lanes. Its weights are loaded into registers once a quad of inputs, and used
// for a block of states, whose quads are broadcast one by one.

constexpr uint32_t kUnit = HWY_LANES(int32_t);  // lanes of one vector of sums
#if HWY_TARGET == HWY_AVX3_DL
constexpr uint32_t kStripUnits = 3, kBlockStates = 8;  // 24 accumulators, 3 of weights, 1 of codes
#elif HWY_TARGET == HWY_AVX3
constexpr uint32_t kStripUnits = 2, kBlockStates = 6;  // 24 accumulators (two a unit), 4 of weights, 1 of codes
#else
constexpr uint32_t kStripUnits = 1, kBlockStates = 4;  // 8 accumulators of 16 registers (NEON: 16 of 32)
#endif

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
  float* hidden = b.workspace.first.hidden + static_cast<size_t>(b.state + state) * network.groups * kGroup;
  hn::Store(hn::Min(hn::Max(a, hn::Zero(kF32)), high), kF32, hidden + lane);
}

#if HWY_TARGET == HWY_AVX3_DL
// As dot_product(), with the weights in a register.
HWY_INLINE void dot_registers(__m512i& sum, __m512i codes, __m512i weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(weights));
}

template <uint32_t kUnits, uint32_t kStates>
void batch_block(const BatchBlock& b) {
  __m512i acc[kStates][kUnits];
  const auto* start = static_cast<const int32_t*>(b.network.start) + b.lane;
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s)
#pragma GCC unroll 8
    for (uint32_t u = 0; u < kUnits; ++u) acc[s][u] = _mm512_load_si512(start + u * kUnit);
  const uint8_t* codes[kStates];
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s) codes[s] = b.workspace.of(b.network, b.state + s).codes;
  const int8_t* HWY_RESTRICT weights = b.weights;
  const size_t end = round_up(b.network.inputs, 4);
  for (size_t i = 0; i < end; i += 4, weights += b.stride) {
    __m512i w[kUnits];
#pragma GCC unroll 8
    for (uint32_t u = 0; u < kUnits; ++u) w[u] = _mm512_load_si512(weights + u * 64);
#pragma GCC unroll 8
    for (uint32_t s = 0; s < kStates; ++s) {
      int32_t four;
      __builtin_memcpy(&four, codes[s] + i, sizeof four);
      const __m512i quad = _mm512_set1_epi32(four);
#pragma GCC unroll 8
      for (uint32_t u = 0; u < kUnits; ++u) dot_registers(acc[s][u], quad, w[u]);
    }
  }
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s)
#pragma GCC unroll 8
    for (uint32_t u = 0; u < kUnits; ++u) activate_unit(b, I32{acc[s][u]}, s, u);
}
#else
template <uint32_t kUnits, uint32_t kStates>
void batch_block(const BatchBlock& b) {
  constexpr uint32_t kVectors = 2 * kUnits;  // of 16-bit weights
  const hn::Rebind<int8_t, decltype(kI16)> narrow;
  const hn::Repartition<int64_t, decltype(kI16)> quad_tag;
  I32 sum0[kStates][kVectors], sum1[kStates][kVectors];  // NEON: low and high halves; x86 leaves sum1 zero
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s)
#pragma GCC unroll 8
    for (uint32_t v = 0; v < kVectors; ++v) sum0[s][v] = sum1[s][v] = hn::Zero(kI32);
  const uint8_t* codes[kStates];  // eight bytes a quad
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s) codes[s] = b.workspace.of(b.network, b.state + s).codes;
  const int8_t* HWY_RESTRICT weights = b.weights;
  const size_t end = 2 * round_up(b.network.inputs, 4);
  for (size_t i = 0; i < end; i += 8, weights += b.stride) {
    I16 w[kVectors];
#pragma GCC unroll 8
    for (uint32_t v = 0; v < kVectors; ++v)
      w[v] = hn::PromoteTo(kI16, hn::Load(narrow, weights + v * HWY_LANES(int16_t)));
#pragma GCC unroll 8
    for (uint32_t s = 0; s < kStates; ++s) {
      int64_t four;
      __builtin_memcpy(&four, codes[s] + i, sizeof four);
      const I16 quad = hn::BitCast(kI16, hn::Set(quad_tag, four));
#pragma GCC unroll 8
      for (uint32_t v = 0; v < kVectors; ++v)
        sum0[s][v] = hn::ReorderWidenMulAccumulate(kI32, quad, w[v], sum0[s][v], sum1[s][v]);
    }
  }
  const auto* start = static_cast<const int32_t*>(b.network.start) + b.lane;
#pragma GCC unroll 8
  for (uint32_t s = 0; s < kStates; ++s)
#pragma GCC unroll 8
    for (uint32_t u = 0; u < kUnits; ++u) {
      const I32 low = hn::RearrangeToOddPlusEven(sum0[s][2 * u], sum1[s][2 * u]);
      const I32 high = hn::RearrangeToOddPlusEven(sum0[s][2 * u + 1], sum1[s][2 * u + 1]);
      const I32 added = hn::Add(hn::ConcatEven(kI32, high, low), hn::ConcatOdd(kI32, high, low));
      activate_unit(b, hn::Add(added, hn::Load(kI32, start + u * kUnit)), s, u);
    }
}
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
  const uint32_t tiles = tile_count(network.groups), blocks = (states + kBlockStates - 1) / kBlockStates;
  const auto* weights = static_cast<const int8_t*>(network.w1);
  uint32_t lane = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    const uint32_t units = width * kGroup / kUnit, strips = (units + kStripUnits - 1) / kStripUnits;
    const size_t stride = static_cast<size_t>(width) * 64;
    for (uint32_t s = 0, first = 0; s < strips; ++s) {
      const uint32_t count = tile_groups(units, strips, s);
      for (uint32_t b = 0, state = 0; b < blocks; ++b) {
        const uint32_t block = tile_groups(states, blocks, b);
        MakeBatchBlocks<kStripUnits * kBlockStates>::kTable[(count - 1) * kBlockStates + block - 1](
            {network, workspace, weights + first * kUnit * 4, stride, lane, state});
        state += block;
      }
      first += count;
      lane += count * kUnit;
    }
    weights += stride * ((network.inputs + 3) / 4);
  }
}

// The codes of one state. Codes beyond the last input, up to a whole vector, meet weights of zero. False: not finite.
HWY_INLINE bool quantise_state(const Network& network, const float* input, Workspace& workspace) {
  Verdict verdict = {hn::Eq(hn::Zero(kF32), hn::Zero(kF32)), hn::Zero(kI32)};
  auto* codes = reinterpret_cast<Code*>(workspace.codes);
  uint32_t i = 0;
  for (; i + HWY_LANES(float) <= network.inputs; i += HWY_LANES(float))
    store_codes(quantise_vector(hn::LoadU(kF32, input + i), hn::LoadU(kF32, network.input_scale + i), verdict),
                codes + i);
  if (i < network.inputs) {
    HWY_ALIGN float rest[HWY_LANES(float)] = {};
    for (uint32_t k = 0; i + k < network.inputs; ++k) rest[k] = input[i + k];
    store_codes(quantise_vector(hn::Load(kF32, rest), hn::LoadU(kF32, network.input_scale + i), verdict), codes + i);
  }
  workspace.clipped = static_cast<uint64_t>(-hn::GetLane(hn::SumOfLanes(kI32, verdict.clipped)));
  return hn::AllTrue(kF32, verdict.finite);
}

BatchResult batch(const Network& network, const float* inputs, uint32_t states, BatchWorkspace& workspace,
                  float* outputs) {
  uint32_t clipped[kMaxBatchStates];
  uint32_t finite = 0;
  for (; finite < states; ++finite) {
    Workspace one = workspace.of(network, finite);
    if (!quantise_state(network, inputs + static_cast<size_t>(finite) * network.inputs, one)) break;
    clipped[finite] = static_cast<uint32_t>(one.clipped);
  }
  batch_layer1(network, workspace, finite);
  BatchResult result = {0, finite == states ? Outcome::kDone : Outcome::kNonFiniteInput, 0};
  for (; result.done < finite; ++result.done) {
    Workspace one = workspace.of(network, result.done);
    if (finish(network, one, outputs + static_cast<size_t>(result.done) * network.outputs) != Outcome::kDone) {
      result.outcome = Outcome::kNonFiniteOutput;
      break;
    }
    result.clipped += clipped[result.done];
  }
  return result;
}
