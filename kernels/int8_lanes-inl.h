// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: the full path in three parts, for a
// team of cores. The third, finish, is the one of the full path.

#if HWY_TARGET == HWY_AVX3_DL
// The quantiser of the full path hides inside layer 1; here nothing else can begin before it is done, so it takes as
// few instructions as can be: ten vector ones for 16 inputs (420 inputs: 57 ns, the other one 118). x * 0 + nan stays 0
// until a value is not finite. After the clamp every float converts to its nearest integer without a fix. Two of each
// sum, or their latency shows.
struct Encoder {
  __m512 nan[2];
  __m512i outside[2];  // minus the number of clipped inputs, lane by lane
};

HWY_INLINE __m128i encode_vector(__m512 x, const float* scale, uint32_t parity, Encoder& encoder) {
  const __m512 p = _mm512_mul_ps(x, _mm512_load_ps(scale));
  const __m512 q = _mm512_min_ps(_mm512_max_ps(p, _mm512_set1_ps(-127.0f)), _mm512_set1_ps(127.0f));
  encoder.nan[parity] = _mm512_fmadd_ps(x, _mm512_setzero_ps(), encoder.nan[parity]);
  const __mmask16 changed = _mm512_cmp_ps_mask(p, q, _CMP_NEQ_UQ);
  __m512i& outside = encoder.outside[parity];
  outside = _mm512_mask_sub_epi32(outside, changed, outside, _mm512_set1_epi32(-1));
  return _mm_xor_si128(_mm512_cvtepi32_epi8(_mm512_cvtps_epi32(q)), _mm_set1_epi8(-128));
}

Outcome encode(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  Encoder encoder = {{_mm512_setzero_ps(), _mm512_setzero_ps()}, {_mm512_setzero_si512(), _mm512_setzero_si512()}};
  const uint32_t inputs = network.inputs;
  const float* const scale = network.input_scale;
  auto* const code = static_cast<__m128i*>(codes);
  uint32_t i = 0;
  for (; i + 32 <= inputs; i += 32) {
    _mm_store_si128(code + i / 16, encode_vector(_mm512_loadu_ps(input + i), scale + i, 0, encoder));
    _mm_store_si128(code + i / 16 + 1, encode_vector(_mm512_loadu_ps(input + i + 16), scale + i + 16, 1, encoder));
  }
  for (; i < inputs; i += 16) {
    const auto inside = static_cast<__mmask16>(inputs - i < 16 ? (1u << (inputs - i)) - 1 : 0xFFFFu);
    _mm_store_si128(code + i / 16, encode_vector(_mm512_maskz_loadu_ps(inside, input + i), scale + i, 0, encoder));
  }
  const I32 outside{_mm512_add_epi32(encoder.outside[0], encoder.outside[1])};
  *clipped = static_cast<uint64_t>(hn::GetLane(hn::SumOfLanes(kI32, outside)));
  const __m512 nan = _mm512_add_ps(encoder.nan[0], encoder.nan[1]);
  return _mm512_cmp_ps_mask(nan, nan, _CMP_EQ_OQ) == 0xFFFFu ? Outcome::kDone : Outcome::kNonFiniteInput;
}

#else
Outcome encode(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  const Verdict verdict = quantise(make_inputs(network, input, 0, network.inputs), static_cast<Code*>(codes));
  *clipped = verdict.clipped;
  return verdict.bad == 0 ? Outcome::kDone : Outcome::kNonFiniteInput;
}
#endif

// Half of the tactical weights, 47 KB, do not fit 32 KiB of L1; read in turns from front to back and from back to
// front, half of them do. Without VNNI layer 1 is slower than its weights arrive, and the order does not matter.
void lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards, float* hidden) {
  const uint32_t quads = (network.inputs + 3) / 4, tiles = tile_count(network.groups);
  Workspace workspace = {};
  workspace.codes = const_cast<uint8_t*>(static_cast<const uint8_t*>(codes));  // only read
  workspace.hidden = hidden;
  Outcome outcome = Outcome::kDone;
  const Stretch stretch{network, workspace, 0,       quads,  static_cast<const int32_t*>(network.start),
                        nullptr, backwards, nullptr, outcome};
  for (uint32_t t = 0; t < tiles; ++t) {
    const TilePart part = tile_part(network.groups, quads, backwards ? tiles - 1 - t : t, begin, end);
    Strip strip = {};  // of no head: its activations go to hidden
    strip.w1 = static_cast<const int8_t*>(network.w1) + part.record * 64;
    strip.stride = size_t{part.width} * 64;
    strip.end = quads;
    strip.group = part.group;
    strip.groups = part.groups;
    if (strip.groups != 0) take_strip(stretch, strip);
  }
}

// Layer 2 and the heads, from hidden activations.
Outcome finish(const Network& network, const Workspace& workspace, float* output) {
#if HWY_TARGET != HWY_SSE4
  isa::layer2_of_hidden(network, workspace);
#endif
  return conclude(network, workspace, output);
}
