// SPDX-License-Identifier: Apache-2.0
// Part of int8.cc, included inside its per-target namespace, so without a guard: sparse updates. The kept sums are
// corrected by (code now - code before) x weight, a quad of inputs at a time: the four share each line of weights.
//
// Everything wraps modulo 2^32. A partial sum may leave int32; the last one is the sum that the loader has proved to
// fit, so it is exact.

// ---- The list: new codes, and what they change ----

struct Lists {
  uint32_t quads, gained, lost;  // lengths of state.before, .gained and .lost
  uint32_t clipped;
  bool finite;
};

HWY_INLINE uint32_t load_quad(const uint8_t* codes, uint32_t quad) {
  uint32_t four;
  __builtin_memcpy(&four, codes + 4 * quad, sizeof four);
  return four;
}

HWY_INLINE void store_quad(uint8_t* codes, uint32_t quad, uint32_t four) {
  __builtin_memcpy(codes + 4 * quad, &four, sizeof four);
}

// The new codes go to state.codes, and state.before gets the number of each quad that the list names. One by one and
// without a branch, so that neither the order of the list nor what repeats in it costs a misprediction; and codes are
// only written, since a load of four waits for a store of one. Counters and pointers are locals, or the compiler keeps
// them in memory: a store of bytes could be to anything.
HWY_INLINE Lists take_values(const Network& network, const uint32_t* HWY_RESTRICT indices,
                             const float* HWY_RESTRICT values, uint32_t count, const SparseState& state) {
  const hn::CappedTag<float, 1> one;
  const hn::RebindToSigned<decltype(one)> number;
  const auto limit = hn::Set(one, 127.0f), infinity = hn::Set(one, __builtin_inff());
  const float* HWY_RESTRICT scale = network.input_scale;
  uint8_t *HWY_RESTRICT codes = state.codes, *HWY_RESTRICT touched = state.touched;
  QuadCodes* HWY_RESTRICT before = state.before;
  uint32_t quads = 0;
  auto infinite = hn::Zero(number), clipped = hn::Zero(number);  // minus their numbers
  for (uint32_t k = 0; k < count; ++k) {
    const uint32_t index = indices[k], quad = index / 4;
    const auto x = hn::LoadU(one, values + k), p = hn::Mul(x, hn::LoadU(one, scale + index));
    const auto is_infinite = hn::Not(hn::Lt(hn::Abs(x), infinity)), is_clipped = hn::Gt(hn::Abs(p), limit);
    infinite = hn::Add(infinite, hn::VecFromMask(number, hn::RebindMask(number, is_infinite)));
    clipped = hn::Add(clipped, hn::VecFromMask(number, hn::RebindMask(number, is_clipped)));
    // Adding 1.5 * 2^23 rounds to the nearest integer, even on a tie, and leaves it in the low bits.
    const auto rounded = hn::Add(hn::Min(hn::Max(p, hn::Neg(limit)), limit), hn::Set(one, 12582912.0f));
    codes[index] = static_cast<uint8_t>(hn::GetLane(hn::BitCast(number, rounded)) + 128);
    before[quads].quad = quad;  // overwritten by the next where the quad is there already
    quads += 1u - touched[quad];
    touched[quad] = 1;
  }
  return {quads, 0, 0, static_cast<uint32_t>(-hn::GetLane(clipped)), hn::GetLane(infinite) == 0};
}

// What each byte gained and what it lost: the codes are unsigned, and so are the lists.
HWY_INLINE void compare_codes(const SparseState& state, Lists& lists) {
  const hn::CappedTag<uint32_t, 1> word;
  const hn::Repartition<uint8_t, decltype(word)> bytes;
  const uint8_t* HWY_RESTRICT codes = state.codes;
  uint8_t *HWY_RESTRICT settled = state.settled, *HWY_RESTRICT touched = state.touched;
  QuadCodes *HWY_RESTRICT before = state.before, *HWY_RESTRICT gained = state.gained, *HWY_RESTRICT lost = state.lost;
  uint32_t gained_count = 0, lost_count = 0;
  for (uint32_t k = 0, count = lists.quads; k < count; ++k) {
    const uint32_t quad = before[k].quad, old = load_quad(settled, quad), four = load_quad(codes, quad);
    before[k].codes = old;
    store_quad(settled, quad, four);
    touched[quad] = 0;
    const auto then = hn::BitCast(bytes, hn::Set(word, old)), now = hn::BitCast(bytes, hn::Set(word, four));
    const uint32_t more = hn::GetLane(hn::BitCast(word, hn::SaturatedSub(now, then)));
    const uint32_t less = hn::GetLane(hn::BitCast(word, hn::SaturatedSub(then, now)));
    gained[gained_count] = {quad, more};
    gained_count += more != 0;
    lost[lost_count] = {quad, less};
    lost_count += less != 0;
  }
  lists.gained = gained_count;
  lists.lost = lost_count;
}

HWY_INLINE void restore_codes(const SparseState& state, uint32_t quads) {
  for (uint32_t k = 0; k < quads; ++k) {
    store_quad(state.codes, state.before[k].quad, state.before[k].codes);
    store_quad(state.settled, state.before[k].quad, state.before[k].codes);
  }
}

// ---- Layer 1 of neighbouring groups of one strip, accumulators in registers ----

struct Update {
  const Stretch& stretch;  // from: the sums before; its quads are not used
  const SparseState& state;
  const Lists& lists;
};

#if HWY_TARGET == HWY_AVX2
constexpr uint32_t kUpdateGroups = 4;  // 8 of 16 registers; with 10 GCC 12 spills half of them
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
constexpr uint32_t kUpdateGroups = 16;  // 16 of 32 registers
#else
constexpr uint32_t kUpdateGroups = 2;  // SSE4: 8 of 16 registers; NEON keeps two sums each: 16 of 32
#endif

// One quad's products to the sums of kRegisters vectors of lanes. `high` is for NEON, whose multiply-add gives low and
// high halves; elsewhere it stays zero.
#if HWY_TARGET == HWY_AVX3_DL
template <uint32_t kRegisters>
HWY_INLINE void add_quad(QuadCodes quad, const int8_t* HWY_RESTRICT weights, I32* acc, I32*) {
  const __m512i u = _mm512_set1_epi32(static_cast<int32_t>(quad.codes));
#pragma GCC unroll 16
  for (uint32_t r = 0; r < kRegisters; ++r) dot_product(acc[r].raw, u, weights + r * 64);
}
HWY_INLINE I32 whole_sum(I32 acc, I32) { return acc; }
#else
// Codes are at most 255 and weights at most 127, so a pair of 16-bit products fits int32 (vpmaddwd). Even and odd bytes
// are taken apart by shifts, which leaves each lane's two pairs in its own place.
template <uint32_t kRegisters>
HWY_INLINE void add_quad(QuadCodes quad, const int8_t* HWY_RESTRICT weights, I32* acc, I32* high) {
  const hn::Repartition<uint16_t, decltype(kI16)> kU16;
  const hn::Repartition<int8_t, decltype(kI16)> kI8;
  const auto u = hn::BitCast(kU16, hn::Set(kI32, static_cast<int32_t>(quad.codes)));
  const I16 even = hn::BitCast(kI16, hn::And(u, hn::Set(kU16, 255)));
  const I16 odd = hn::BitCast(kI16, hn::ShiftRight<8>(u));
#pragma GCC unroll 16
  for (uint32_t r = 0; r < kRegisters; ++r) {
    const I16 w = hn::BitCast(kI16, hn::Load(kI8, weights + r * HWY_LANES(int8_t)));
    const I16 w_even = hn::ShiftRight<8>(hn::ShiftLeft<8>(w)), w_odd = hn::ShiftRight<8>(w);
    acc[r] = hn::ReorderWidenMulAccumulate(kI32, even, w_even, acc[r], high[r]);
    acc[r] = hn::ReorderWidenMulAccumulate(kI32, odd, w_odd, acc[r], high[r]);
  }
}
HWY_INLINE I32 whole_sum(I32 acc, I32 high) { return hn::RearrangeToOddPlusEven(acc, high); }
#endif

template <uint32_t kGroups>
void update_part(const Update& u, const Strip& strip) {
  constexpr uint32_t kRegisters = kGroups * kRegistersOfGroup;
  const auto* weights = static_cast<const int8_t*>(strip.w1);
  I32 acc[kRegisters], high[kRegisters];
#pragma GCC unroll 16
  for (uint32_t r = 0; r < kRegisters; ++r) acc[r] = high[r] = hn::Zero(kI32);
  for (const QuadCodes *lost = u.state.lost, *end = lost + u.lists.lost; lost != end; ++lost)
    add_quad<kRegisters>(*lost, weights + lost->quad * strip.stride, acc, high);
#pragma GCC unroll 16
  for (uint32_t r = 0; r < kRegisters; ++r) acc[r] = hn::Neg(acc[r]), high[r] = hn::Neg(high[r]);
  for (const QuadCodes *gained = u.state.gained, *end = gained + u.lists.gained; gained != end; ++gained)
    add_quad<kRegisters>(*gained, weights + gained->quad * strip.stride, acc, high);
  uint32_t lane = strip.group * kGroup;
#pragma GCC unroll 16
  for (uint32_t r = 0; r < kRegisters; ++r, lane += HWY_LANES(int32_t)) {
    acc[r] = hn::Add(hn::Load(kI32, u.stretch.from + lane), whole_sum(acc[r], high[r]));
    hn::Store(acc[r], kI32, u.state.next_sums + lane);
  }
  if (u.stretch.output != nullptr) end_part<kGroups>(u.stretch, strip, acc);
}

using UpdatePart = void (*)(const Update&, const Strip&);
template <uint32_t kCount, uint32_t... kIndex>
struct UpdateParts : UpdateParts<kCount - 1, kCount, kIndex...> {};
template <uint32_t... kIndex>
struct UpdateParts<0, kIndex...> {
  static constexpr UpdatePart kTable[] = {&update_part<kIndex>...};
};

// The new sums and, where there is an output, what comes of them.
HWY_INLINE Outcome correct_sums(const Update& u) {
  const Network& network = u.stretch.network;
  const bool whole = kToOutputs && network.small_outputs != 0;
  const Strip* strips = whole ? network.tile : network.strip;
  for (uint32_t i = 0; i < (whole ? 1 : network.strips); ++i) {
    Strip strip = strips[i];
    for (uint32_t parts = (strip.groups - 1) / kUpdateGroups + 1; parts > 0; --parts) {
      const uint32_t groups = strip.groups / parts;
      UpdateParts<kUpdateGroups>::kTable[groups - 1](u, strip);
      skip(strip, groups);
    }
  }
  if (whole || u.stretch.output == nullptr) return u.stretch.outcome;
  return conclude(network, u.stretch.workspace, u.stretch.output);
}

Outcome update(const Network& network, const uint32_t* indices, const float* values, uint32_t count,
               Workspace& workspace, SparseState& state, float* output) {
  Lists lists = take_values(network, indices, values, count, state);
  compare_codes(state, lists);
  workspace.clipped = lists.clipped;
  Outcome outcome = Outcome::kNonFiniteInput;
  if (lists.finite) {
    const uint32_t quads = (network.inputs + 3) / 4;
    const bool anew = lists.gained + lists.lost > quads;  // shorter from the start: what every quad gained on nothing
    if (anew) {
      for (uint32_t quad = 0; quad < quads; ++quad) state.gained[quad] = {quad, load_quad(state.codes, quad)};
      lists.gained = quads;
      lists.lost = 0;
    }
    const int32_t* from = anew ? static_cast<const int32_t*>(network.start) : state.sums;
    outcome = Outcome::kDone;
    const Stretch stretch{network, workspace, 0, 0, from, nullptr, false, output, outcome};
    outcome = correct_sums({stretch, state, lists});
  }
  if (outcome != Outcome::kDone) {
    restore_codes(state, lists.quads);
    return outcome;
  }
  int32_t* const sums = state.sums;
  state.sums = state.next_sums;
  state.next_sums = sums;
  return outcome;
}
