// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: layer 1 with AVX-512 VNNI.

constexpr uint32_t kPartGroups = 16;  // 16 of 32 registers
constexpr uint32_t kChunk = 4;        // quads: 16 inputs, one vector of the quantiser

// sum += the four products of each lane. In assembly because Highway 1.0.3 has no such operation, its target string
// lacks avx512vnni, and GCC 12 wraps the intrinsic in two register copies an accumulator (28 a step for 14 groups).
HWY_INLINE void dot_product(__m512i& sum, __m512i codes, const int8_t* HWY_RESTRICT weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "m"(*reinterpret_cast<const __m512i*>(weights)));
}

HWY_INLINE uint32_t count_clipped(__m512 p) {
  const __mmask16 clipped = _mm512_cmp_ps_mask(_mm512_abs_ps(p), _mm512_set1_ps(127.0f), _CMP_GT_OQ);
  return static_cast<uint32_t>(__builtin_popcount(clipped));
}

// Up to 16 inputs to codes, 32 bits each; those outside the mask are 0. Written with intrinsics: through Highway's
// NearestInt and DemoteTo, which also handle what cannot come here, this chain was twice as long.
HWY_INLINE __m512i quantise16(__m512 x, __mmask16 inside, const float* HWY_RESTRICT scale, Verdict& verdict) {
  verdict.bad |= _mm512_fpclass_ps_mask(x, 0x99);  // NaNs and infinities
  const __m512 limit = _mm512_set1_ps(127.0f);
  const __m512 p = _mm512_mul_ps(x, _mm512_maskz_loadu_ps(inside, scale));
  verdict.clipped += count_clipped(p);
  const __m512 q = _mm512_min_ps(_mm512_max_ps(p, _mm512_set1_ps(-127.0f)), limit);
  return _mm512_maskz_add_epi32(inside, _mm512_cvtps_epi32(q), _mm512_set1_epi32(128));
}

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

// Layer 1 of a short stretch, from the sums `from`: the model's last four quads, each one's codes in all lanes, as far
// as bit q of `valid` says that they are in the stretch.
struct ShortQuads {
  const int32_t* from;
  uint32_t valid;
  size_t stride;  // bytes from one quad's weights to the next's
  __m512i quad[kShortInputs / 4];

  template <uint32_t kGroups>
  HWY_INLINE void layer1(const ShortHead& head, __m512 (&scaled)[kGroups]) const {
    const uint32_t steps = head.steps & valid;
    const auto* weights = static_cast<const int8_t*>(head.w1);
    const int32_t* start = from + head.lane;
    __m512i sum[kGroups];
#pragma GCC unroll 4
    for (uint32_t g = 0; g < kGroups; ++g) sum[g] = _mm512_load_si512(start + g * kGroup);
#pragma GCC unroll 4
    for (uint32_t q = 0; q < kShortInputs / 4; ++q)
      if (steps >> q & 1)
#pragma GCC unroll 4
        for (uint32_t g = 0; g < kGroups; ++g) dot_product(sum[g], quad[q], weights + q * stride + g * 64);
#pragma GCC unroll 4
    for (uint32_t g = 0; g < kGroups; ++g)
      scaled[g] = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[g]), _mm512_load_ps(head.lane_scale + g * kGroup));
  }
};

// Inputs 4 * q .. 4 * q + 3 of a stretch to their codes, in all lanes. The broadcast from a 128-bit register takes one
// cycle, a shuffle from the middle of a wide one four; and a whole quad needs no mask, which would wait for its making.
// Adding 1.5 * 2^23 + 128 rounds to the nearest integer, even on a tie, and leaves the code in the low byte.
HWY_INLINE __m512i quantise_quad(const Inputs& inputs, uint32_t q) {
  const uint32_t at = 4 * q;
  if (at + 4 <= inputs.lead) return _mm512_setzero_si512();
  const bool whole = inputs.lead <= at && at + 4 <= inputs.count;
  const auto inside = static_cast<__mmask8>((below(inputs.count) & ~below(inputs.lead)) >> at);
  const __m128 x = whole ? _mm_loadu_ps(inputs.input + at) : _mm_maskz_loadu_ps(inside, inputs.input + at);
  const __m128 product = _mm_mul_ps(x, _mm_loadu_ps(inputs.scale + at));
  const __m128i rounded = _mm_castps_si128(_mm_add_ps(product, _mm_set1_ps(12583040.0f)));
  // In memory, or GCC makes each of them anew for every quad.
  alignas(16) static constexpr int32_t kLow[4] = {0x4B400001, 0x4B400001, 0x4B400001, 0x4B400001};
  alignas(16) static constexpr int32_t kHigh[4] = {0x4B4000FF, 0x4B4000FF, 0x4B4000FF, 0x4B4000FF};
  const __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(kLow));
  const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(kHigh));
  const __m128i code = _mm_min_epi32(_mm_max_epi32(rounded, low), high);
  const __m128i bytes = _mm_set1_epi32(0x0C080400);
  return _mm512_broadcastd_epi32(whole ? _mm_shuffle_epi8(code, bytes)
                                       : _mm_shuffle_epi8(_mm_maskz_mov_epi32(inside, code), bytes));
}

// One function for each number of groups, so that the compiler sees every loop over accumulators unrolled.
template <uint32_t... kIndex>
struct Parts {
  static constexpr uint64_t (*kLong[])(const Stretch&, const Strip&,
                                       const Inputs&) = {&long_part<kIndex + 1, false>...};
  static constexpr uint64_t (*kQuantising[])(const Stretch&, const Strip&,
                                             const Inputs&) = {&long_part<kIndex + 1, true>...};
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

// A function of its own, and arguments in registers: what is inlined into the entry keeps its pointers on the stack.
template <uint32_t kOutputs>
__attribute__((noinline)) Outcome short_part(const Network& network, const int32_t* from, uint32_t valid, float* output,
                                             __m512i quad0, __m512i quad1, __m512i quad2, __m512i quad3) {
  const ShortQuads source{from, valid, network.groups * size_t{64}, {quad0, quad1, quad2, quad3}};
  return short_heads<kOutputs>(network, source, output);
}

// Straight from the entry; the call is the last thing, so that clips are counted before it.
__attribute__((noinline)) Outcome short_path(const Network& network, const float* row, uint32_t begin, const void* from,
                                             Workspace& workspace, float* output) {
  const uint32_t count = network.inputs - begin, lead = begin + kShortInputs - round_up(network.inputs, 4);
  // As numbers, since they may lie before the arrays.
  const auto* input = reinterpret_cast<const float*>(reinterpret_cast<uintptr_t>(row) - lead * sizeof(float));
  const float* scale = network.input_scale + begin;
  const auto* first = reinterpret_cast<const float*>(reinterpret_cast<uintptr_t>(scale) - lead * sizeof(float));
  const Inputs last{input, first, lead, lead + count};
  const __m512i quad0 = quantise_quad(last, 0), quad1 = quantise_quad(last, 1);
  const __m512i quad2 = quantise_quad(last, 2), quad3 = quantise_quad(last, 3);
  const __m512 x = load_short(row, below(count), count);
  workspace.clipped = count_clipped(_mm512_mul_ps(x, _mm512_maskz_loadu_ps(below(count), scale)));
  if (any_not_finite(x)) return Outcome::kNonFiniteInput;
  const auto part = network.small_outputs <= 3 ? short_part<3> : short_part<4>;
  return part(network, static_cast<const int32_t*>(from), 0xFu << lead / 4, output, quad0, quad1, quad2, quad3);
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
  return network.inputs - begin / 4 * 4 <= kShortInputs && network.short_heads;
}
