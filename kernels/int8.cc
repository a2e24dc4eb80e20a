// SPDX-License-Identifier: Apache-2.0
// int8: one source, compiled once for each Highway target (SSE4, AVX2, AVX3, AVX3_DL = AVX-512 VNNI, NEON). The entries
// N_AVX2::int8 and its sisters stand in the kernel table directly; Highway's own dispatch is not used.
//
// Built with -fno-tree-vectorize: Highway 1.0.3's AVX3_DL target string holds avxvnni, and GCC -O3 turned a plain tail
// loop into `{vex} vpdpbusd ymm`, an illegal instruction on Ice Lake and Zen 4. A test reads the disassembly.
#include "int8.h"

#include "float32_isa.h"
#include "scalar.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "int8.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

HWY_BEFORE_NAMESPACE();
namespace tickmlp {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

const hn::ScalableTag<float> kF32;
const hn::ScalableTag<int32_t> kI32;
using F32 = hn::Vec<decltype(kF32)>;
using I32 = hn::Vec<decltype(kI32)>;

#if HWY_TARGET == HWY_SSE4
Outcome finish(const Network& n, Workspace& w, float* output) {
  return scalar::finish(n, w, output);
}  // no fused multiply-add here
#elif HWY_TARGET == HWY_AVX2
Outcome finish(const Network& n, Workspace& w, float* output) { return avx2::finish(n, w, output); }
#elif HWY_TARGET == HWY_NEON
Outcome finish(const Network& n, Workspace& w, float* output) { return neon::finish(n, w, output); }
#else
Outcome finish(const Network& n, Workspace& w, float* output) { return avx512::finish(n, w, output); }
#endif

// ---- Quantisation: 420 inputs are 27 AVX-512 steps ----

#if HWY_TARGET == HWY_AVX3_DL
using Code = uint8_t;  // as vpdpbusd takes them
#else
using Code = int16_t;  // widened once here instead of once for each group of lanes
#endif

struct Verdict {
  hn::Mask<decltype(kF32)> finite;
  I32 clipped;  // minus the number of clipped inputs, lane by lane: counting them takes no branch and no extra time
};

// One vector of inputs to unsigned codes; what is wrong with any of them is collected in the verdict.
HWY_INLINE I32 quantise_vector(F32 x, F32 scale, Verdict& verdict) {
  const auto infinity = hn::Set(kF32, __builtin_inff());
  verdict.finite = hn::And(verdict.finite, hn::Lt(hn::Abs(x), infinity));
  const F32 limit = hn::Set(kF32, 127.0f);
  F32 p = hn::Mul(x, scale);
  const auto outside = hn::RebindMask(kI32, hn::Gt(hn::Abs(p), limit));
  verdict.clipped = hn::Add(verdict.clipped, hn::VecFromMask(kI32, outside));
  // Min and Max are compare and select here: p is not NaN once the inputs are finite, and otherwise is not used.
  p = hn::Min(hn::Max(p, hn::Neg(limit)), limit);
  return hn::Add(hn::NearestInt(p), hn::Set(kI32, 128));
}

HWY_INLINE void store_codes(I32 codes, Code* to) {
  const hn::Rebind<Code, decltype(kI32)> to_code;
  hn::StoreU(hn::DemoteTo(to_code, codes), to_code, to);
}

// Inputs lead .. count - 1 of an array that begins at a group of four. The first `lead` are in a tick's kept sums
// already: they are never read, and their code is 0, no input at all (128 would be x = 0).
struct Quantiser {
  const float* input;
  const float* scale;
  uint32_t lead, count;
  Code* codes;
  Verdict verdict;
};

HWY_INLINE Quantiser make_quantiser(const Network& network, const float* row, uint32_t begin, uint32_t count,
                                    const Workspace& workspace) {
  const F32 zero = hn::Zero(kF32);
  const uint32_t lead = begin % 4;
  // As a number, since it may lie before the caller's array; its first `lead` elements are masked out of every load.
  const auto* input = reinterpret_cast<const float*>(reinterpret_cast<uintptr_t>(row) - lead * sizeof(float));
  return {input,        network.input_scale + (begin - lead),     lead,
          lead + count, reinterpret_cast<Code*>(workspace.codes), {hn::Eq(zero, zero), hn::Zero(kI32)}};
}

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
// Masked lanes of a load cannot fault, but a load waits for every cache line it spans, the masked part too. So a short
// row, a tick's seven features say, is taken with half a vector: 120 ns less in one tick of ten where what follows the
// row is cold.
HWY_INLINE F32 load_eight(const Quantiser& q, uint32_t at, uint32_t lead) {
  const hn::Half<decltype(kF32)> half;
  const auto inside = hn::AndNot(hn::FirstN(half, lead), hn::FirstN(half, q.count - at));
  return hn::ZeroExtendVector(kF32, hn::MaskedLoad(inside, half, q.input + at));
}
#endif

// A vector that is not wholly inside: a tick's first, or the last. Nothing outside is read; codes beyond the last
// input, up to a whole vector, are written but meet weights of zero.
HWY_INLINE void quantise_edge(Quantiser& q, uint32_t at) {
  const F32 scale = hn::LoadU(kF32, q.scale + at);
  const uint32_t lead = at == 0 ? q.lead : 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const auto leading = hn::FirstN(kF32, lead);
  const auto inside = hn::AndNot(leading, hn::FirstN(kF32, q.count - at));
  const F32 x = q.count - at <= 8 ? load_eight(q, at, lead) : hn::MaskedLoad(inside, kF32, q.input + at);
  const I32 codes = quantise_vector(x, scale, q.verdict);
  store_codes(hn::IfThenZeroElse(hn::RebindMask(kI32, leading), codes), q.codes + at);
#else
  HWY_ALIGN float copy[HWY_LANES(float)] = {};
  for (uint32_t k = lead; k < HWY_LANES(float) && at + k < q.count; ++k) copy[k] = q.input[at + k];
  store_codes(quantise_vector(hn::Load(kF32, copy), scale, q.verdict), q.codes + at);
  for (uint32_t k = 0; k < lead; ++k) q.codes[k] = 0;
#endif
}

// `at` is a multiple of the vector's lanes below count.
HWY_INLINE void quantise_at(Quantiser& q, uint32_t at) {
  if (at + HWY_LANES(float) <= q.count && (at > 0 || q.lead == 0))
    store_codes(quantise_vector(hn::LoadU(kF32, q.input + at), hn::LoadU(kF32, q.scale + at), q.verdict), q.codes + at);
  else quantise_edge(q, at);
}

// ---- Layer 1 of kGroups neighbouring groups of one tile, accumulators in registers ----

// A stretch of layer 1: `quads` groups of four inputs, from the sums `from` [lanes]. The sums go to `kept` [lanes],
// or, where that is nullptr, through scale and clamp to the workspace's hidden.
struct Stretch {
  const Network& network;
  const Workspace& workspace;
  uint32_t first_quad, quads;
  const int32_t* from;
  int32_t* kept;
};

struct Strip {
  const Stretch& stretch;
  const int8_t* weights;  // of the strip's first group, the stretch's first quad
  size_t stride;          // bytes from one quad of inputs to the next
  uint32_t group;         // first group
  Quantiser* quantiser;   // the first strip's, which may quantise on its way; nullptr for the others
};

// int32 sums of a whole vector of lanes to activations: scale, then clamp. Max and Min are the contract's compare and
// select here: the product of an integer and a normal scale is never NaN and never -0.
HWY_INLINE void activate(const Stretch& stretch, I32 sum, uint32_t lane) {
  const Network& network = stretch.network;
  const F32 high = hn::Set(kF32, network.group_clamp[lane / kGroup]);
  const F32 a = hn::Mul(hn::ConvertTo(kF32, sum), hn::Load(kF32, network.lane_scale + lane));
  hn::Store(hn::Min(hn::Max(a, hn::Zero(kF32)), high), kF32, stretch.workspace.hidden + lane);
}

#if HWY_TARGET == HWY_AVX3_DL
#include "int8_vnni-inl.h"
#else
#include "int8_widening-inl.h"
#endif

// One function for each number of groups, so that the compiler sees every loop over accumulators unrolled.
using StripFunction = void (*)(const Strip&);
template <uint32_t... kIndex>
struct Strips {
  static constexpr StripFunction kTable[] = {&strip<kIndex + 1>...};
};
template <uint32_t kCount, uint32_t... kIndex>
struct MakeStrips : MakeStrips<kCount - 1, kCount - 1, kIndex...> {};
template <uint32_t... kIndex>
struct MakeStrips<0, kIndex...> : Strips<kIndex...> {};

HWY_INLINE void layer1(const Stretch& stretch, Quantiser* quantiser) {
  const Network& network = stretch.network;
  const uint32_t tiles = tile_count(network.groups);
  const int8_t* weights = static_cast<const int8_t*>(network.w1);
  uint32_t group = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    const size_t stride = static_cast<size_t>(width) * 64;
    const uint32_t strips = (width + kStripGroups - 1) / kStripGroups;
    uint32_t first = 0;
    for (uint32_t s = 0; s < strips; ++s) {
      const uint32_t groups = tile_groups(width, strips, s);
      MakeStrips<kStripGroups>::kTable[groups - 1](Strip{stretch, weights + stretch.first_quad * stride + first * 64,
                                                         stride, group, group == 0 ? quantiser : nullptr});
      first += groups;
      group += groups;
    }
    weights += stride * ((network.inputs + 3) / 4);
  }
}

// Whether the inputs are finite is known when the last is quantised, and asked after layer 1: non-finite ones do no
// harm there, and nothing is written before.
HWY_INLINE bool settle(const Quantiser& quantiser, Workspace& workspace) {
  workspace.clipped = static_cast<uint64_t>(-hn::GetLane(hn::SumOfLanes(kI32, quantiser.verdict.clipped)));
  return hn::AllTrue(kF32, quantiser.verdict.finite);
}

Outcome tick(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
             float* output) {
  Quantiser quantiser = make_quantiser(network, row, begin, network.inputs - begin, workspace);
  quantise_before(quantiser);
  const uint32_t quads = (network.inputs + 3) / 4 - begin / 4;
  layer1({network, workspace, begin / 4, quads, static_cast<const int32_t*>(kept), nullptr}, &quantiser);
  if (!settle(quantiser, workspace)) return Outcome::kNonFiniteInput;
  return finish(network, workspace, output);
}

Outcome infer(const Network& network, const float* input, Workspace& workspace, float* output) {
  return tick(network, input, 0, workspace, network.start, output);
}

Outcome advance(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
  Quantiser quantiser = make_quantiser(network, input, 0, end, workspace);
  for (uint32_t i = 0; i < end; i += HWY_LANES(float)) quantise_at(quantiser, i);
  // The last group of four may hold inputs that are not in this stretch: code 0 is no input at all, 128 would be x = 0.
  for (uint32_t i = end; i < round_up(end, 4); ++i) quantiser.codes[i] = 0;
  layer1(
      {network, workspace, 0, (end + 3) / 4, static_cast<const int32_t*>(network.start), static_cast<int32_t*>(kept)},
      nullptr);
  return settle(quantiser, workspace) ? Outcome::kDone : Outcome::kNonFiniteInput;
}

#include "int8_batch-inl.h"

}  // namespace

extern const Functions int8 = {.infer = infer, .advance = advance, .tick = tick, .batch = batch};

}  // namespace HWY_NAMESPACE
}  // namespace tickmlp
HWY_AFTER_NAMESPACE();

#endif
