// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: layer 1 with AVX-512 VNNI.

constexpr uint32_t kStripGroups = 16;  // 16 of 32 registers

// sum += the four products of each lane. In assembly because Highway 1.0.3 has no such operation, its target string
// lacks avx512vnni, and GCC 12 wraps the intrinsic in two register copies an accumulator (28 a step for 14 groups).
HWY_INLINE void dot_product(__m512i& sum, __m512i codes, const int8_t* HWY_RESTRICT weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "m"(*reinterpret_cast<const __m512i*>(weights)));
}

// Only the first vector: strip() quantises the others one step ahead of their use.
HWY_INLINE void quantise_before(Quantiser& quantiser) { quantise_at(quantiser, 0); }

// A quad of inputs and a group of lanes is one vpdpbusd with a memory operand; nothing else is in the inner loop but
// the broadcast of the quad. 1,470 of them for 420 inputs and 224 lanes, one cache line of weights each. Waiting for
// those lines leaves the ports free three cycles in four, and the quantiser of the next 16 inputs runs there.
template <uint32_t kGroups>
void strip(const Strip& s) {
  const Stretch& stretch = s.stretch;
  __m512i acc[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) acc[g] = _mm512_load_si512(stretch.from + (s.group + g) * kGroup);
  const int8_t* HWY_RESTRICT weights = s.weights;
  const uint8_t* code = stretch.workspace.codes;  // no restrict: the quantiser writes the same array inside the loop
  for (uint32_t quad = 0; quad < stretch.quads; quad += 4) {
    if (s.quantiser != nullptr && 4 * (quad + 4) < s.quantiser->count) quantise_at(*s.quantiser, 4 * (quad + 4));
    const uint8_t* const end = code + 4 * (stretch.quads - quad < 4 ? stretch.quads - quad : 4);
    for (; code != end; code += 4, weights += s.stride) {
      int32_t four;
      __builtin_memcpy(&four, code, sizeof four);
      const __m512i u = _mm512_set1_epi32(four);
#pragma GCC unroll 16
      for (uint32_t g = 0; g < kGroups; ++g) dot_product(acc[g], u, weights + g * 64);
    }
  }
  if (stretch.kept != nullptr) {
#pragma GCC unroll 16
    for (uint32_t g = 0; g < kGroups; ++g) _mm512_store_si512(stretch.kept + (s.group + g) * kGroup, acc[g]);
    return;
  }
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) activate(stretch, I32{acc[g]}, (s.group + g) * kGroup);
}
