// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: layer 1 where there is no u8 x s8 dot
// product.

// Exact widening: 16-bit products, added in pairs into int32 (vpmaddwd). vpmaddubsw would be half the work, and
// saturates at 32,767 where 255 * 127 * 2 = 64,770 can stand.
const hn::ScalableTag<int16_t> kI16;
using I16 = hn::Vec<decltype(kI16)>;
constexpr uint32_t kParts = 64 / HWY_LANES(int16_t);  // vectors of 16-bit weights for a group and a quad
#if HWY_TARGET == HWY_AVX3
constexpr uint32_t kPartGroups = 7;  // 14 accumulators of 32 registers; half of the tactical tile's 14
#elif HWY_TARGET == HWY_AVX2
constexpr uint32_t kPartGroups = 2;  // 8 of 16 registers; with 12 GCC 12 spills half of them
#else
constexpr uint32_t kPartGroups = 1;  // SSE4: 8 of 16 registers; NEON keeps two sums each: 16 of 32
#endif

using Code = int16_t;  // widened once here instead of once for each group of lanes

// One vector of inputs to unsigned codes.
struct Watch {
  hn::Mask<decltype(kF32)> finite;
  I32 clipped;  // minus the number of clipped inputs, lane by lane: counting them takes no branch and no extra time
};

HWY_INLINE I32 quantise_vector(F32 x, F32 scale, Watch& watch) {
  const auto infinity = hn::Set(kF32, __builtin_inff());
  watch.finite = hn::And(watch.finite, hn::Lt(hn::Abs(x), infinity));
  const F32 limit = hn::Set(kF32, 127.0f);
  F32 p = hn::Mul(x, scale);
  const auto outside = hn::RebindMask(kI32, hn::Gt(hn::Abs(p), limit));
  watch.clipped = hn::Add(watch.clipped, hn::VecFromMask(kI32, outside));
  // Min and Max are compare and select here: p is not NaN once the inputs are finite, and otherwise is not used.
  p = hn::Min(hn::Max(p, hn::Neg(limit)), limit);
  return hn::Add(hn::NearestInt(p), hn::Set(kI32, 128));
}

// Inputs at .. of a stretch; the first and last vector go through a copy, so that nothing outside is read.
HWY_INLINE void quantise_at(const Inputs& inputs, uint32_t at, Code* codes, Watch& watch) {
  const hn::Rebind<Code, decltype(kI32)> narrow;
  constexpr uint32_t kLanes = HWY_LANES(float);
  if (at + kLanes <= inputs.count && (at > 0 || inputs.lead == 0)) {
    const I32 code = quantise_vector(hn::LoadU(kF32, inputs.input + at), hn::LoadU(kF32, inputs.scale + at), watch);
    return hn::StoreU(hn::DemoteTo(narrow, code), narrow, codes + at);
  }
  HWY_ALIGN float x[kLanes] = {}, scale[kLanes] = {};
  const uint32_t lead = at == 0 ? inputs.lead : 0;
  const uint32_t end = inputs.count - at < kLanes ? inputs.count - at : kLanes;
  for (uint32_t k = lead; k < end; ++k) x[k] = inputs.input[at + k], scale[k] = inputs.scale[at + k];
  hn::StoreU(hn::DemoteTo(narrow, quantise_vector(hn::Load(kF32, x), hn::Load(kF32, scale), watch)), narrow,
             codes + at);
  for (uint32_t k = 0; k < kLanes; ++k)
    if (k < lead || k >= end) codes[at + k] = 0;
}

// All of them before layer 1: its accumulators leave no registers for a quantiser inside the loop.
HWY_INLINE Verdict quantise(const Inputs& inputs, Code* codes) {
  const F32 zero = hn::Zero(kF32);
  Watch watch = {hn::Eq(zero, zero), hn::Zero(kI32)};
  for (uint32_t at = 0; at < inputs.count; at += HWY_LANES(float)) quantise_at(inputs, at, codes, watch);
  return {hn::AllTrue(kF32, watch.finite) ? 0u : 1u,
          static_cast<uint64_t>(-hn::GetLane(hn::SumOfLanes(kI32, watch.clipped)))};
}

template <uint32_t kGroups>
void part(const Stretch& stretch, const Strip& strip) {
  constexpr uint32_t kRegisters = kGroups * kParts;
  const hn::Rebind<int8_t, decltype(kI16)> narrow;
  const hn::Repartition<int64_t, decltype(kI16)> quad_tag;
  I32 sum0[kRegisters], sum1[kRegisters];  // NEON's multiply-add gives low and high halves; x86 leaves sum1 zero
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; ++r) sum0[r] = sum1[r] = hn::Zero(kI32);
  const auto* all_weights = static_cast<const int8_t*>(strip.w1);
  const uint8_t* codes = stretch.workspace.codes;  // of the stretch's first quad, eight bytes each
  for (uint32_t q = first_quad(stretch, strip), end = end_quad(stretch, strip); q < end; ++q) {
    const int8_t* HWY_RESTRICT weights = all_weights + q * strip.stride;
    int64_t four;
    __builtin_memcpy(&four, codes + 8 * size_t{q - stretch.begin}, sizeof four);
    const I16 u = hn::BitCast(kI16, hn::Set(quad_tag, four));
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) {
      const I16 w = hn::PromoteTo(kI16, hn::Load(narrow, weights + r * HWY_LANES(int16_t)));
      sum0[r] = hn::ReorderWidenMulAccumulate(kI32, u, w, sum0[r], sum1[r]);
    }
  }
  I32 sum[kRegisters / 2];
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; r += 2) {
    const I32 low = hn::RearrangeToOddPlusEven(sum0[r], sum1[r]);
    const I32 high = hn::RearrangeToOddPlusEven(sum0[r + 1], sum1[r + 1]);
    const I32 added = hn::Add(hn::ConcatEven(kI32, high, low), hn::ConcatOdd(kI32, high, low));
    sum[r / 2] = hn::Add(added, hn::Load(kI32, stretch.from + strip.group * kGroup + r / 2 * HWY_LANES(int32_t)));
  }
  end_part<kGroups>(stretch, strip, sum);
}

// One function for each number of groups, so that the compiler sees every loop over accumulators unrolled.
template <uint32_t... kIndex>
struct Parts {
  static constexpr void (*kTable[])(const Stretch&, const Strip&) = {&part<kIndex + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeParts : MakeParts<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeParts<0, kIndex...> : Parts<kIndex...> {};

HWY_INLINE void take_strip(const Stretch& stretch, Strip strip) {
  for (uint32_t parts = (strip.groups - 1) / kPartGroups + 1; parts > 0; --parts) {
    const uint32_t groups = strip.groups / parts;
    MakeParts<kPartGroups>::kTable[groups - 1](stretch, strip);
    skip(strip, groups);
  }
}

// Strip by strip, so that layer 2 begins with activations in registers and weights of zero are skipped; with AVX-512
// tile by tile, whose 7 groups at once are worth more (1,685 ns against 1,766, tactical on Zen 4).
HWY_INLINE uint64_t layer1(const Stretch& stretch, const Inputs& inputs) {
  constexpr bool kTiles = HWY_TARGET == HWY_AVX3;
  const Network& network = stretch.network;
  const Verdict verdict = quantise(inputs, reinterpret_cast<Code*>(stretch.workspace.codes));
  const Strip* strips = kTiles ? network.tile : network.strip;
  for (uint32_t i = 0; i < (kTiles ? network.tiles : network.strips); ++i) take_strip(stretch, strips[i]);
#if HWY_TARGET == HWY_AVX3
  if (stretch.kept == nullptr) isa::layer2_of_hidden(network, stretch.workspace);
#endif
  if (verdict.bad != 0) stretch.outcome = Outcome::kNonFiniteInput;
  return verdict.clipped;
}
