// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: layer 1 where there is no u8 x s8 dot
// product.

// Exact widening: 16-bit products, added in pairs into int32 (vpmaddwd). vpmaddubsw would be half the work, and
// saturates at 32,767 where 255 * 127 * 2 = 64,770 can stand.
const hn::ScalableTag<int16_t> kI16;
using I16 = hn::Vec<decltype(kI16)>;
constexpr uint32_t kParts = 64 / HWY_LANES(int16_t);  // vectors of 16-bit weights for a group and a quad
#if HWY_TARGET == HWY_AVX3
constexpr uint32_t kStripGroups = 7;  // 14 accumulators of 32 registers; half of the tactical tile's 14
#elif HWY_TARGET == HWY_AVX2
constexpr uint32_t kStripGroups = 2;  // 8 of 16 registers; with 12 GCC 12 spills half of them
#else
constexpr uint32_t kStripGroups = 1;  // SSE4: 8 of 16 registers; NEON keeps two sums each: 16 of 32
#endif

// All of them first: the accumulators leave no registers for a quantiser inside the loop.
HWY_INLINE void quantise_before(Quantiser& quantiser) {
  for (uint32_t i = 0; i < quantiser.count; i += HWY_LANES(float)) quantise_at(quantiser, i);
}

template <uint32_t kGroups>
void strip(const Strip& s) {
  constexpr uint32_t kRegisters = kGroups * kParts;
  const hn::Rebind<int8_t, decltype(kI16)> narrow;
  const hn::Repartition<int64_t, decltype(kI16)> quad_tag;
  I32 sum0[kRegisters], sum1[kRegisters];  // NEON's multiply-add gives low and high halves; x86 leaves sum1 zero
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; ++r) sum0[r] = sum1[r] = hn::Zero(kI32);
  const int8_t* HWY_RESTRICT weights = s.weights;
  const uint32_t quads = s.stretch.quads;
  const uint8_t* codes = s.stretch.workspace.codes;  // eight bytes a quad
  for (uint32_t q = 0; q < quads; ++q, weights += s.stride) {
    int64_t four;
    __builtin_memcpy(&four, codes + 8 * q, sizeof four);
    const I16 u = hn::BitCast(kI16, hn::Set(quad_tag, four));
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r) {
      const I16 w = hn::PromoteTo(kI16, hn::Load(narrow, weights + r * HWY_LANES(int16_t)));
      sum0[r] = hn::ReorderWidenMulAccumulate(kI32, u, w, sum0[r], sum1[r]);
    }
  }
  uint32_t lane = s.group * kGroup;
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kRegisters; r += 2, lane += HWY_LANES(int32_t)) {
    const I32 low = hn::RearrangeToOddPlusEven(sum0[r], sum1[r]);
    const I32 high = hn::RearrangeToOddPlusEven(sum0[r + 1], sum1[r + 1]);
    const I32 added = hn::Add(hn::ConcatEven(kI32, high, low), hn::ConcatOdd(kI32, high, low));
    const I32 sum = hn::Add(added, hn::Load(kI32, s.stretch.from + lane));
    if (s.stretch.kept != nullptr) hn::Store(sum, kI32, s.stretch.kept + lane);
    else activate(s.stretch, sum, lane);
  }
}
