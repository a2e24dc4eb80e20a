// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: layer 1 with AVX-512 VNNI.

constexpr uint32_t kPartGroups = 16;  // 16 of 32 registers
// A stretch of layer 1 up to this length, a tick say, is bound by latency, a longer one by its weights.
constexpr uint32_t kShortInputs = 16;
constexpr uint32_t kChunk = 4;  // quads: 16 inputs, one vector of the quantiser

// sum += the four products of each lane. In assembly because Highway 1.0.3 has no such operation, its target string
// lacks avx512vnni, and GCC 12 wraps the intrinsic in two register copies an accumulator (28 a step for 14 groups).
HWY_INLINE void dot_product(__m512i& sum, __m512i codes, const int8_t* HWY_RESTRICT weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "m"(*reinterpret_cast<const __m512i*>(weights)));
}

// Up to 16 inputs to codes, 32 bits each; those outside the mask are 0. Written with intrinsics: through Highway's
// NearestInt and DemoteTo, which also handle what cannot come here, this chain was twice as long.
HWY_INLINE __m512i quantise16(__m512 x, __mmask16 inside, const float* HWY_RESTRICT scale, Verdict& verdict) {
  verdict.bad |= _mm512_fpclass_ps_mask(x, 0x99);  // NaNs and infinities
  const __m512 limit = _mm512_set1_ps(127.0f);
  const __m512 p = _mm512_mul_ps(x, _mm512_maskz_loadu_ps(inside, scale));
  verdict.clipped += static_cast<uint32_t>(__builtin_popcount(_mm512_cmp_ps_mask(_mm512_abs_ps(p), limit, _CMP_GT_OQ)));
  const __m512 q = _mm512_min_ps(_mm512_max_ps(p, _mm512_set1_ps(-127.0f)), limit);
  return _mm512_maskz_add_epi32(inside, _mm512_cvtps_epi32(q), _mm512_set1_epi32(128));
}

HWY_INLINE __mmask16 below(uint32_t count) { return static_cast<__mmask16>((1u << (count < 16 ? count : 16)) - 1); }

// Inputs at .. at + 15 of a stretch, as far as it goes.
HWY_INLINE void quantise_chunk(const Inputs& inputs, uint32_t at, uint8_t* codes, Verdict& verdict) {
  const auto inside = static_cast<__mmask16>(below(inputs.count - at) & ~(at == 0 ? below(inputs.lead) : 0));
  const __m512 x = _mm512_maskz_loadu_ps(inside, inputs.input + at);
  const __m512i code = quantise16(x, inside, inputs.scale + at, verdict);
  _mm_store_si128(reinterpret_cast<__m128i*>(codes + at), _mm512_cvtepi32_epi8(code));
}

template <uint32_t kGroups>
HWY_INLINE void add_quad(I32 (&acc)[kGroups], const uint8_t* code, const int8_t* HWY_RESTRICT weights) {
  int32_t four;
  __builtin_memcpy(&four, code, sizeof four);
  const __m512i u = _mm512_set1_epi32(four);
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) dot_product(acc[g].raw, u, weights + g * 64);
}

// A quad of inputs and a group of lanes is one vpdpbusd with a memory operand; nothing else is in the inner loop but
// the broadcast of the quad. 1,470 of them for 420 inputs and 224 lanes, one cache line of weights each. Waiting for
// those lines leaves the ports free three cycles in four, and the quantiser of the next 16 inputs runs there.
template <uint32_t kGroups, bool kQuantise>
uint64_t long_part(const Stretch& stretch, const Strip& strip, const Inputs& inputs) {
  Verdict verdict = {};
  I32 acc[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) acc[g] = hn::Load(kI32, stretch.from + (strip.group + g) * kGroup);
  const uint32_t first = first_quad(stretch, strip), end = end_quad(stretch, strip);
  const auto* all_weights = static_cast<const int8_t*>(strip.w1);
  const size_t stride = strip.stride;
  uint8_t* const codes = stretch.workspace.codes;  // of the stretch's first quad
  const int32_t step = stretch.backward ? -static_cast<int32_t>(kChunk) : static_cast<int32_t>(kChunk);
  const uint32_t chunks = first < end ? (end - first + kChunk - 1) / kChunk : 0;
  uint32_t quad = first + (stretch.backward ? (chunks - 1) * kChunk : 0);
  if (kQuantise && chunks > 0) quantise_chunk(inputs, 4 * (quad - first), codes, verdict);
  for (uint32_t chunk = 0; chunk < chunks; ++chunk, quad += static_cast<uint32_t>(step)) {
    if (kQuantise && chunk + 1 < chunks)
      quantise_chunk(inputs, 4 * (quad + static_cast<uint32_t>(step) - first), codes, verdict);
    const int8_t* HWY_RESTRICT weights = all_weights + quad * stride;
    const uint8_t* code = codes + 4 * size_t{quad - stretch.begin};
    const uint8_t* const last = code + 4 * (end - quad < kChunk ? end - quad : kChunk);
    for (; code != last; code += 4, weights += stride) add_quad<kGroups>(acc, code, weights);
  }
  if (kQuantise && verdict.bad != 0) stretch.outcome = Outcome::kNonFiniteInput;
  else end_part<kGroups>(stretch, strip, acc);
  return verdict.clipped;
}

// A stretch of at most 16 inputs of a model that is one tile, a tick say: bound by latency. Codes stay in registers,
// each quad's in all lanes, and all groups go through each step together: head by head it took 26 ns more of 104, with
// the scheduler full of instructions that wait for one another.
template <uint32_t kGroups>
Outcome short_part(const Network& network, uint32_t first, const int32_t* from, float* output, __m512i quad0,
                   __m512i quad1, __m512i quad2, __m512i quad3) {
  I32 acc[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) acc[g] = hn::Load(kI32, from + g * kGroup);
  const uint32_t quads = (network.inputs + 3) / 4 - first;
  const size_t stride = kGroups * size_t{64};
  const int8_t* HWY_RESTRICT weights = static_cast<const int8_t*>(network.w1) + first * stride;
  const __m512i quad[4] = {quad0, quad1, quad2, quad3};
#pragma GCC unroll 4
  for (uint32_t q = 0; q < 4; ++q)
    if (q < quads)
#pragma GCC unroll 16
      for (uint32_t g = 0; g < kGroups; ++g) dot_product(acc[g].raw, quad[q], weights + q * stride + g * 64);
  F32 activation[kGroups];
  activate<kGroups>(network, 0, acc, activation);
  return end_groups<kGroups>(network, activation, output);
}

// One function for each number of groups, so that the compiler sees every loop over accumulators unrolled.
template <uint32_t... kIndex>
struct Parts {
  static constexpr uint64_t (*kLong[])(const Stretch&, const Strip&,
                                       const Inputs&) = {&long_part<kIndex + 1, false>...};
  static constexpr uint64_t (*kQuantising[])(const Stretch&, const Strip&,
                                             const Inputs&) = {&long_part<kIndex + 1, true>...};
  static constexpr Outcome (*kShort[])(const Network&, uint32_t, const int32_t*, float*, __m512i, __m512i, __m512i,
                                       __m512i) = {&short_part<kIndex + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeParts : MakeParts<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeParts<0, kIndex...> : Parts<kIndex...> {};
using AllParts = MakeParts<kPartGroups>;

// With codes that are there already.
HWY_INLINE void take_strip(const Stretch& stretch, const Strip& strip) {
  AllParts::kLong[strip.groups - 1](stretch, strip, Inputs{});
}

// Masked lanes of a load cannot fault, but a load waits for every cache line it spans, the masked part too. So a tick's
// seven features are taken with half a vector: 120 ns less in one tick of ten where what follows the row is cold.
// Straight from the entry, arguments in registers; the call is the last thing, so that clips are counted before it.
HWY_INLINE Outcome short_path(const Network& network, const float* row, uint32_t begin, const void* from,
                              Workspace& workspace, float* output) {
  const Inputs inputs = make_inputs(network, row, begin, network.inputs);
  Verdict verdict = {};
  const __mmask16 inside = static_cast<__mmask16>(below(inputs.count) & ~below(inputs.lead));
  const __m512 x = inputs.count <= 8
                       ? _mm512_zextps256_ps512(_mm256_maskz_loadu_ps(static_cast<__mmask8>(inside), inputs.input))
                       : _mm512_maskz_loadu_ps(inside, inputs.input);
  const __m512i code = quantise16(x, inside, inputs.scale, verdict);
  // A quad's codes are one 128-bit part: its four low bytes, four times over, and then in all parts.
  const __m512i four = _mm512_shuffle_epi8(code, _mm512_set1_epi32(0x0C080400));
  const __m512i quad0 = _mm512_shuffle_i32x4(four, four, 0x00), quad1 = _mm512_shuffle_i32x4(four, four, 0x55);
  const __m512i quad2 = _mm512_shuffle_i32x4(four, four, 0xAA), quad3 = _mm512_shuffle_i32x4(four, four, 0xFF);
  workspace.clipped = verdict.clipped;
  if (verdict.bad != 0) return Outcome::kNonFiniteInput;
  const auto* sums = static_cast<const int32_t*>(from);
  return AllParts::kShort[network.groups - 1](network, begin / 4, sums, output, quad0, quad1, quad2, quad3);
}

// The tile that comes first quantises on its way, unless it would not see all inputs.
HWY_INLINE uint64_t layer1(const Stretch& stretch, const Inputs& inputs) {
  const Network& network = stretch.network;
  const Strip& first = network.tile[stretch.backward ? network.tiles - 1 : 0];
  uint64_t clipped;
  if (first.begin <= stretch.begin && stretch.end <= first.end) {
    clipped = AllParts::kQuantising[first.groups - 1](stretch, first, inputs);
    if (stretch.outcome != Outcome::kDone) return clipped;
  } else {
    Verdict verdict = {};
    for (uint32_t at = 0; at < inputs.count; at += 16) quantise_chunk(inputs, at, stretch.workspace.codes, verdict);
    clipped = verdict.clipped;
    if (verdict.bad != 0) {
      stretch.outcome = Outcome::kNonFiniteInput;
      return clipped;
    }
    take_strip(stretch, first);
  }
  for (uint32_t turn = 1; turn < network.tiles; ++turn) {
    const Strip& tile = network.tile[stretch.backward ? network.tiles - 1 - turn : turn];
    take_strip(stretch, tile);
  }
  if (stretch.kept == nullptr && network.small_outputs == 0) avx512::layer2_of_hidden(network, stretch.workspace);
  return clipped;
}

HWY_INLINE bool is_short(const Network& network, uint32_t begin) {
  return network.inputs - begin / 4 * 4 <= kShortInputs && network.small_outputs != 0;
}
