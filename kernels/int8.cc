// SPDX-License-Identifier: Apache-2.0
// int8: one source, compiled once for each Highway target (SSE4, AVX2, AVX3, AVX3_DL = AVX-512 VNNI, NEON). The entries
// N_AVX2::infer_int8 and its sisters stand in the kernel table directly; Highway's own dispatch is not used.
//
// Built with -fno-tree-vectorize: Highway 1.0.3's AVX3_DL target string holds avxvnni, and GCC -O3 turned a plain tail
// loop into `{vex} vpdpbusd ymm`, an illegal instruction on Ice Lake and Zen 4. A test reads the disassembly.
#include "int8.h"

#include "float32_isa.h"
#include "scalar.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "int8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

HWY_BEFORE_NAMESPACE();
namespace tickmlp {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

const hn::ScalableTag<float> kF32;
const hn::ScalableTag<int32_t> kI32;
using F32 = hn::Vec<decltype(kF32)>;
using I32 = hn::Vec<decltype(kI32)>;

#if HWY_TARGET == HWY_SSE4
Outcome finish(const Network& n, Workspace& w, float* output) {
  return scalar::finish(n, w, output);
}  // no fused multiply-add here
#elif HWY_TARGET == HWY_AVX2
Outcome finish(const Network& n, Workspace& w, float* output) { return avx2::finish(n, w, output); }
#elif HWY_TARGET == HWY_NEON
Outcome finish(const Network& n, Workspace& w, float* output) { return neon::finish(n, w, output); }
#else
Outcome finish(const Network& n, Workspace& w, float* output) { return avx512::finish(n, w, output); }
#endif

// ---- Quantisation: 420 inputs are 27 AVX-512 steps ----

#if HWY_TARGET == HWY_AVX3_DL
using Code = uint8_t;  // as vpdpbusd takes them
#else
using Code = int16_t;  // widened once here instead of once for each group of lanes
#endif

struct Verdict {
  hn::Mask<decltype(kF32)> finite;
  I32 clipped;  // minus the number of clipped inputs, lane by lane: counting them takes no branch and no extra time
};

// One vector of inputs to codes; what is wrong with any of them is collected in the verdict.
HWY_INLINE void quantise_vector(F32 x, F32 scale, Verdict& verdict, Code* codes) {
  const auto infinity = hn::Set(kF32, __builtin_inff());
  verdict.finite = hn::And(verdict.finite, hn::Lt(hn::Abs(x), infinity));
  const F32 limit = hn::Set(kF32, 127.0f);
  F32 p = hn::Mul(x, scale);
  const auto outside = hn::RebindMask(kI32, hn::Gt(hn::Abs(p), limit));
  verdict.clipped = hn::Add(verdict.clipped, hn::VecFromMask(kI32, outside));
  // Min and Max are compare and select here: p is not NaN once the inputs are finite, and otherwise is not used.
  p = hn::Min(hn::Max(p, hn::Neg(limit)), limit);
  const I32 u = hn::Add(hn::NearestInt(p), hn::Set(kI32, 128));
  const hn::Rebind<Code, decltype(kI32)> to_code;
  hn::StoreU(hn::DemoteTo(to_code, u), to_code, codes);
}

// Codes beyond the last input, up to a whole vector, are written but meet weights of zero.
// The weight stream starts here: 8 lines fetched ahead with each vector of inputs hide the quantiser behind the first
// 14 KB of it (Zen 4, tactical: 1.25 x the memory floor without, 1.20 with 8, the same with 12, 1.22 with 4). Fetching
// ahead inside layer 1 as well was tried and lost 1-3 %: the hardware's own prefetcher already keeps up.
HWY_INLINE bool quantise(const Network& network, const float* HWY_RESTRICT input, Workspace& workspace) {
  const uint32_t lanes = static_cast<uint32_t>(hn::Lanes(kF32));
  const F32 zero = hn::Zero(kF32);
  Verdict verdict{hn::Eq(zero, zero), hn::Zero(kI32)};
  Code* codes = reinterpret_cast<Code*>(workspace.codes);
  const int8_t* ahead = static_cast<const int8_t*>(network.w1);
  uint32_t i = 0;
  for (; i + lanes <= network.inputs; i += lanes, ahead += 8 * 64) {
#pragma GCC unroll 8
    for (uint32_t l = 0; l < 8; ++l) __builtin_prefetch(ahead + l * 64);
    quantise_vector(hn::LoadU(kF32, input + i), hn::Load(kF32, network.input_scale + i), verdict, codes + i);
  }
  HWY_ALIGN float rest[HWY_LANES(float)] = {};
  for (uint32_t k = 0; i + k < network.inputs; ++k) rest[k] = input[i + k];
  if (i < network.inputs)
    quantise_vector(hn::Load(kF32, rest), hn::Load(kF32, network.input_scale + i), verdict, codes + i);
  workspace.clipped = static_cast<uint64_t>(-hn::GetLane(hn::SumOfLanes(kI32, verdict.clipped)));
  return hn::AllTrue(kF32, verdict.finite);
}

// ---- Layer 1 of kGroups neighbouring groups of one tile, accumulators in registers ----

struct Strip {
  const Network& network;
  const Workspace& workspace;
  const int8_t* weights;  // of the strip's first group, first quad
  size_t stride;          // bytes from one quad of inputs to the next
  uint32_t group;         // first group
};

// int32 sums of a whole vector of lanes to activations: scale, then clamp. Max and Min are the contract's compare and
// select here: the product of an integer and a normal scale is never NaN and never -0.
HWY_INLINE void activate(const Network& network, I32 sum, uint32_t lane, float* hidden) {
  const F32 high = hn::Set(kF32, network.group_clamp[lane / kGroup]);
  const F32 a = hn::Mul(hn::ConvertTo(kF32, sum), hn::Load(kF32, network.lane_scale + lane));
  hn::Store(hn::Min(hn::Max(a, hn::Zero(kF32)), high), kF32, hidden + lane);
}

#if HWY_TARGET == HWY_AVX3_DL

constexpr uint32_t kStripGroups = 16;  // 16 of 32 registers

// sum += the four products of each lane. In assembly because Highway 1.0.3 has no such operation, its target string
// lacks avx512vnni, and GCC 12 wraps the intrinsic in two register copies an accumulator (28 a step for 14 groups).
HWY_INLINE void dot_product(__m512i& sum, __m512i codes, const int8_t* HWY_RESTRICT weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "m"(*reinterpret_cast<const __m512i*>(weights)));
}

// A quad of inputs and a group of lanes is one vpdpbusd with a memory operand; nothing else is in the loop but the
// broadcast of the quad. 1,470 of them for 420 inputs and 224 lanes, one cache line of weights each.
template <uint32_t kGroups>
void strip(const Strip& s) {
  const int32_t* start = static_cast<const int32_t*>(s.network.start) + s.group * kGroup;
  __m512i acc[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) acc[g] = _mm512_load_si512(start + g * kGroup);
  const int8_t* HWY_RESTRICT weights = s.weights;
  const uint32_t quads = (s.network.inputs + 3) / 4;
  const int32_t* HWY_RESTRICT codes = reinterpret_cast<const int32_t*>(s.workspace.codes);
  for (uint32_t q = 0; q < quads; ++q, weights += s.stride) {
    const __m512i u = _mm512_set1_epi32(codes[q]);
#pragma GCC unroll 16
    for (uint32_t g = 0; g < kGroups; ++g) dot_product(acc[g], u, weights + g * 64);
  }
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) activate(s.network, I32{acc[g]}, (s.group + g) * kGroup, s.workspace.hidden);
}

#else

// Exact widening: 16-bit products, added in pairs into int32 (vpmaddwd). vpmaddubsw would be half the work, and
// saturates at 32,767 where 255 * 127 * 2 = 64,770 can stand.
const hn::ScalableTag<int16_t> kI16;
using I16 = hn::Vec<decltype(kI16)>;
constexpr uint32_t kParts = 64 / HWY_LANES(int16_t);  // vectors of 16-bit weights for a group and a quad
#if HWY_TARGET == HWY_AVX3
constexpr uint32_t kStripGroups = 7;                  // 14 accumulators of 32 registers; half of the tactical tile's 14
#elif HWY_TARGET == HWY_AVX2
constexpr uint32_t kStripGroups = 2;  // 8 of 16 registers; with 12 GCC 12 spills half of them
#else
constexpr uint32_t kStripGroups = 1;  // SSE4: 8 of 16 registers; NEON keeps two sums each: 16 of 32
#endif

template <uint32_t kGroups>
void strip(const Strip& s) {
  constexpr uint32_t kRegisters = kGroups * kParts;
  const hn::Rebind<int8_t, decltype(kI16)> narrow;
  const hn::Repartition<int64_t, decltype(kI16)> quad_tag;
  I32 sum0[kRegisters], sum1[kRegisters];  // NEON's multiply-add gives low and high halves; x86 leaves sum1 zero
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; ++r) sum0[r] = sum1[r] = hn::Zero(kI32);
  const int8_t* HWY_RESTRICT weights = s.weights;
  const uint32_t quads = (s.network.inputs + 3) / 4;
  const int64_t* HWY_RESTRICT codes = reinterpret_cast<const int64_t*>(s.workspace.codes);
  for (uint32_t q = 0; q < quads; ++q, weights += s.stride) {
    const I16 u = hn::BitCast(kI16, hn::Set(quad_tag, codes[q]));
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) {
      const I16 w = hn::PromoteTo(kI16, hn::Load(narrow, weights + r * HWY_LANES(int16_t)));
      sum0[r] = hn::ReorderWidenMulAccumulate(kI32, u, w, sum0[r], sum1[r]);
    }
  }
  const int32_t* start = static_cast<const int32_t*>(s.network.start);
  uint32_t lane = s.group * kGroup;
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; r += 2, lane += HWY_LANES(int32_t)) {
    const I32 low = hn::RearrangeToOddPlusEven(sum0[r], sum1[r]);
    const I32 high = hn::RearrangeToOddPlusEven(sum0[r + 1], sum1[r + 1]);
    const I32 sum = hn::Add(hn::ConcatEven(kI32, high, low), hn::ConcatOdd(kI32, high, low));
    activate(s.network, hn::Add(sum, hn::Load(kI32, start + lane)), lane, s.workspace.hidden);
  }
}

#endif

// One function for each number of groups, so that the compiler sees every loop over accumulators unrolled.
using StripFunction = void (*)(const Strip&);
template <uint32_t... kIndex>
struct Strips {
  static constexpr StripFunction kTable[] = {&strip<kIndex + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeStrips : MakeStrips<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeStrips<0, kIndex...> : Strips<kIndex...> {};

HWY_INLINE void layer1(const Network& network, Workspace& workspace) {
  const uint32_t tiles = tile_count(network.groups);
  const uint32_t quads = (network.inputs + 3) / 4;
  const int8_t* weights = static_cast<const int8_t*>(network.w1);
  uint32_t group = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    const uint32_t strips = (width + kStripGroups - 1) / kStripGroups;
    uint32_t first = 0;
    for (uint32_t s = 0; s < strips; ++s) {
      const uint32_t groups = tile_groups(width, strips, s);
      MakeStrips<kStripGroups>::kTable[groups - 1](
          Strip{network, workspace, weights + first * 64, static_cast<size_t>(width) * 64, group});
      first += groups;
      group += groups;
    }
    weights += static_cast<size_t>(width) * 64 * quads;
  }
}

}  // namespace

Outcome infer_int8(const Network& network, const float* input, Workspace& workspace, float* output) {
  if (!quantise(network, input, workspace)) return Outcome::kNonFiniteInput;
  layer1(network, workspace);
  return finish(network, workspace, output);
}

}  // namespace HWY_NAMESPACE
}  // namespace tickmlp
HWY_AFTER_NAMESPACE();

#endif
