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

// As strip(), with quads in either order: the sums are exact, so both give the same. Half of the tactical weights, 47
// KB, do not fit 32 KiB of L1; read in turns from front to back and from back to front, half of them do.
template <uint32_t kGroups>
void sweep(const Strip& s, bool backwards) {
  const Stretch& stretch = s.stretch;
  __m512i acc[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) acc[g] = _mm512_load_si512(stretch.from + (s.group + g) * kGroup);
  const ptrdiff_t last = static_cast<ptrdiff_t>(stretch.quads) - 1, first = backwards ? last : 0;
  const ptrdiff_t step = backwards ? -1 : 1, weight_step = step * static_cast<ptrdiff_t>(s.stride);
  const int8_t* HWY_RESTRICT weights = s.weights + first * static_cast<ptrdiff_t>(s.stride);
  const uint8_t* HWY_RESTRICT code = stretch.workspace.codes + 4 * first;
  for (const uint8_t* const end = code + 4 * step * (last + 1); code != end; code += 4 * step, weights += weight_step) {
    int32_t four;
    __builtin_memcpy(&four, code, sizeof four);
    const __m512i u = _mm512_set1_epi32(four);
#pragma GCC unroll 16
    for (uint32_t g = 0; g < kGroups; ++g) dot_product(acc[g], u, weights + g * 64);
  }
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) activate(stretch, I32{acc[g]}, (s.group + g) * kGroup);
}
#else
Outcome encode(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  Workspace workspace = {static_cast<uint8_t*>(codes), nullptr, nullptr, 0};
  Quantiser quantiser = make_quantiser(network, input, 0, network.inputs, workspace);
  for (uint32_t i = 0; i < quantiser.count; i += HWY_LANES(float)) quantise_at(quantiser, i);
  const bool finite = settle(quantiser, workspace);
  *clipped = workspace.clipped;
  return finite ? Outcome::kDone : Outcome::kNonFiniteInput;
}

// Slower than the weights arrive, so the order does not matter.
template <uint32_t kGroups>
void sweep(const Strip& s, bool) {
  strip<kGroups>(s);
}
#endif

using SweepFunction = void (*)(const Strip&, bool);
template <uint32_t... kIndex>
struct Sweeps {
  static constexpr SweepFunction kTable[] = {&sweep<kIndex + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeSweeps : MakeSweeps<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeSweeps<0, kIndex...> : Sweeps<kIndex...> {};

// Where the groups lie in several strips, these are taken in turns from front and back too.
void lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards, float* hidden) {
  const uint32_t quads = (network.inputs + 3) / 4, tiles = tile_count(network.groups);
  const Workspace workspace = {const_cast<uint8_t*>(static_cast<const uint8_t*>(codes)), hidden, nullptr, 0};
  const Stretch stretch = {network, workspace, 0, quads, static_cast<const int32_t*>(network.start), nullptr};
  for (uint32_t t = 0; t < tiles; ++t) {
    const TilePart part = tile_part(network.groups, quads, backwards ? tiles - 1 - t : t, begin, end);
    const uint32_t strips = (part.groups + kStripGroups - 1) / kStripGroups;
    for (uint32_t s = 0, first = 0; s < strips; ++s) {
      const uint32_t groups = tile_groups(part.groups, strips, s);
      const int8_t* weights = static_cast<const int8_t*>(network.w1) + (part.record + first) * 64;
      const Strip strip = {stretch, weights, size_t{part.width} * 64, part.group + first, nullptr};
      MakeSweeps<kStripGroups>::kTable[groups - 1](strip, backwards);
      first += groups;
    }
  }
}
