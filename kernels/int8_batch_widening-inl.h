// SPDX-License-Identifier: Apache-2.0
// Part of int8_batch-inl.h, included inside its per-target namespace, so without a guard: exact widening, as in
// int8_widening-inl.h, but a vector of weights is widened once for a whole block of states.

#if HWY_TARGET == HWY_AVX3
constexpr uint32_t kStripUnits = 2, kBlockStates = 4;  // 16 accumulators (two a unit), 4 registers of weights
#elif HWY_TARGET == HWY_NEON
constexpr uint32_t kStripUnits = 1, kBlockStates = 6;  // 24 accumulators (two sums each) of 32 registers
#else
constexpr uint32_t kStripUnits = 1, kBlockStates = 6;  // 12 accumulators, 2 registers of weights, 1 of codes, 1 between
#endif

// sum0 (and sum1, NEON) += products of neighbouring pairs. In assembly for x86 with 16 registers: GCC 12 moves all the
// multiplications before the additions, runs out of registers, and waits for a spilled sum in every step: 2.4 us a
// state where this takes 1.3 (AVX2, Zen 4).
HWY_INLINE void add_products(I32& sum0, I32& sum1, I16 codes, I16 weights) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4
  static_cast<void>(sum1);
  I16 products;
#if HWY_TARGET == HWY_AVX2
  __asm__("vpmaddwd %3, %2, %0\n\tvpaddd %0, %1, %1"
          : "=&x"(products.raw), "+x"(sum0.raw)
          : "x"(codes.raw), "x"(weights.raw));
#else
  __asm__("movdqa %2, %0\n\tpmaddwd %3, %0\n\tpaddd %0, %1"
          : "=&x"(products.raw), "+x"(sum0.raw)
          : "x"(codes.raw), "x"(weights.raw));
#endif
#else
  sum0 = hn::ReorderWidenMulAccumulate(kI32, codes, weights, sum0, sum1);
#endif
}

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
  for (uint32_t s = 0; s < kStates; ++s) codes[s] = b.workspace.codes + (b.state + s) * b.workspace.codes_stride;
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
      for (uint32_t v = 0; v < kVectors; ++v) add_products(sum0[s][v], sum1[s][v], quad, w[v]);
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

// The codes of one state. False: not finite.
HWY_INLINE bool quantise_state(const Network& network, const float* input, uint8_t* codes, uint32_t& clips) {
  const Verdict verdict = quantise(make_inputs(network, input, 0, network.inputs), reinterpret_cast<Code*>(codes));
  clips = static_cast<uint32_t>(verdict.clipped);
  return verdict.bad == 0;
}
