// SPDX-License-Identifier: Apache-2.0
// Part of int8_batch-inl.h, included inside its per-target namespace, so without a guard: AVX-512 VNNI.

constexpr uint32_t kStripUnits = 3, kBlockStates = 8;  // 24 accumulators, 3 registers of weights, 1 of codes

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
  // Two pointers and one stride reach all eight: with a pointer each GCC 12 runs out of registers, and keeps what is
  // left over in those of vectors.
  const size_t apart = b.workspace.codes_stride;
  const uint8_t* low = b.workspace.codes + b.state * apart;
  const uint8_t* high = low + (kStates > 4 ? 4 * apart : 0);
  const int8_t* HWY_RESTRICT weights = b.weights;
  for (const uint8_t* const end = low + round_up(b.network.inputs, 4); low != end;
       low += 4, high += 4, weights += b.stride) {
    __m512i w[kUnits];
#pragma GCC unroll 8
    for (uint32_t u = 0; u < kUnits; ++u) w[u] = _mm512_load_si512(weights + u * 64);
#pragma GCC unroll 8
    for (uint32_t s = 0; s < kStates; ++s) {
      int32_t four;
      __builtin_memcpy(&four, (s < 4 ? low : high) + s % 4 * apart, sizeof four);
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
// Sixteen inputs from `at` on, as integers in [-127, 127]. Five instructions and two that collect what is wrong:
// `product` stays 0 until it meets NaN or infinity (which times 0 are NaN), and what the clamp changed was clipped.
HWY_INLINE __m512i quantise_sixteen(const Network& network, const float* input, uint32_t at, __m512& product,
                                    __m512i& clipped) {
  const uint32_t left = network.inputs - at;
  const __mmask16 inside = at >= network.inputs ? 0 : left >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << left) - 1);
  const __m512 x = _mm512_maskz_loadu_ps(inside, input + at);
  const __m512 p = _mm512_mul_ps(x, _mm512_maskz_loadu_ps(inside, network.input_scale + at));
  const __m512 clamped = _mm512_range_ps(p, _mm512_set1_ps(127.0f), 2);  // the smaller magnitude, with the sign of p
  product = _mm512_fmadd_ps(x, _mm512_setzero_ps(), product);
  clipped = _mm512_mask_sub_epi32(clipped, _mm512_cmp_ps_mask(p, clamped, _CMP_NEQ_UQ), clipped, _mm512_set1_epi32(-1));
  return _mm512_cvtps_epi32(clamped);
}

// The codes of one state, 64 at a time: packing four vectors takes three shuffles and a permutation, where four single
// stores of bytes took eight. Highway's quantiser, one vector at a time, took 101 ns for 420 inputs on Zen 4. Codes
// beyond the last input meet weights of zero. False: not finite.
HWY_INLINE bool quantise_state(const Network& network, const float* input, uint8_t* codes, uint32_t& clips) {
  __m512 product = _mm512_setzero_ps();
  __m512i clipped = _mm512_setzero_si512();
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  for (uint32_t i = 0; i < network.inputs; i += 64) {
    const __m512i a = quantise_sixteen(network, input, i, product, clipped);
    const __m512i b = quantise_sixteen(network, input, i + 16, product, clipped);
    const __m512i c = quantise_sixteen(network, input, i + 32, product, clipped);
    const __m512i d = quantise_sixteen(network, input, i + 48, product, clipped);
    const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    const __m512i ordered = _mm512_permutexvar_epi32(order, bytes);
    _mm512_storeu_si512(codes + i, _mm512_xor_si512(ordered, _mm512_set1_epi8(-128)));  // + 128
  }
  clips = static_cast<uint32_t>(_mm512_reduce_add_epi32(clipped));
  return _mm512_cmp_ps_mask(product, product, _CMP_UNORD_Q) == 0;
}
