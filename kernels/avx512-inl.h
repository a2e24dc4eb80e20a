// SPDX-License-Identifier: Apache-2.0
// The AVX-512 vectors of layer 2 and the heads, and layer 2 straight from layer 1's registers. Included without a
// guard, after heads-inl.h, into the namespaces of the float32 and the int8 kernel.

struct Avx512 {
  using Register = __m512;
  static constexpr uint32_t kLanes = 16;

  static Register load(const float* from) { return _mm512_load_ps(from); }
  static void store(Register v, float* to) { _mm512_store_ps(to, v); }
  static Register all(float value) { return _mm512_set1_ps(value); }
  static Register fma(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
  static Register maximum(Register a, Register b) { return _mm512_max_ps(a, b); }
  static Register where_less(Register a, Register b, Register yes, Register no) {
    return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), yes);
  }
  static Register times_power_of_two(Register p, Register t) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
  }
  // |v| < infinity wherever start is not -infinity.
  static bool finite(Register v, Register start) {
    const __mmask16 real = _mm512_cmp_ps_mask(start, all(-__builtin_inff()), _CMP_NEQ_UQ);
    return _mm512_mask_cmp_ps_mask(real, _mm512_abs_ps(v), all(__builtin_inff()), _CMP_NLT_UQ) == 0;
  }

  // Sixteen virtual lanes of each of four heads, adding l + 8 and then l + 4: four are left of each, head by head.
  static void fold(const Register (&a)[1], const Register (&b)[1], const Register (&c)[1], const Register (&d)[1],
                   Register (&four)[1]) {
    const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a[0], b[0], 0x44), _mm512_shuffle_f32x4(a[0], b[0], 0xEE));
    const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c[0], d[0], 0x44), _mm512_shuffle_f32x4(c[0], d[0], 0xEE));
    four[0] = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  }
  static Register zip_low(Register a, Register b) { return _mm512_unpacklo_ps(a, b); }
  static Register zip_high(Register a, Register b) { return _mm512_unpackhi_ps(a, b); }
  static Register join_low(Register a, Register b) { return _mm512_shuffle_ps(a, b, 0x44); }
  static Register join_high(Register a, Register b) { return _mm512_shuffle_ps(a, b, 0xEE); }
  template <int kLane>
  static Register spread(Register v) {
    return _mm512_permute_ps(v, kLane * 0x55);
  }

  // One permutation and one masked store, which touches nothing behind the block's last output.
  static void place(const Register (&results)[1], const HeadBlock& block, float* output) {
    const __mmask16 used = static_cast<__mmask16>((1u << block.output_count) - 1);
    const __m512 ordered = _mm512_permutexvar_ps(_mm512_load_si512(block.order), results[0]);
    _mm512_mask_storeu_ps(output, used, ordered);
  }
};

// A whole tile that is the model's only one, a register of activations a group, to the outputs. Heads have at most
// kOutputs outputs; one that a head lacks is done with its first row, and is not one of the logits. Where a head ends
// is known at run time only, so every group asks; the answers are always the same. Nothing goes through memory, which
// took 30 ns of an inference (Zen 4, tactical).
template <uint32_t kOutputs, uint32_t kGroups>
static inline __attribute__((always_inline)) Outcome end_tile(const Network& network,
                                                              const __m512 (&activation)[kGroups], float* output) {
  const Strip* strip = network.strip;
  __mmask16 quarter = 0xF;  // of the head
  __m512 sum[kOutputs];
  Heads<Avx512>::Sixteen four[4];  // [output]: as fold() leaves them
#pragma GCC unroll 4
  for (uint32_t k = 0; k < kOutputs; ++k) sum[k] = four[k].part[0] = _mm512_setzero_ps();
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) {
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kOutputs; ++k)
      sum[k] = _mm512_fmadd_ps(activation[g], _mm512_load_ps(strip->row[k] + g * kGroup), sum[k]);
    if ((network.ends >> g & 1) == 0) continue;
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kOutputs; ++k) {
      const __m512 eight = sum[k] + _mm512_shuffle_f32x4(sum[k], sum[k], 0x4E);
      const __m512 all = eight + _mm512_shuffle_f32x4(eight, eight, 0xB1);
      four[k].part[0] = _mm512_mask_mov_ps(four[k].part[0], quarter, all);
      sum[k] = _mm512_setzero_ps();
    }
    quarter = static_cast<__mmask16>(quarter << 4);
    ++strip;
  }
  return Heads<Avx512>::conclude_four<kOutputs>(network, four, output);
}
