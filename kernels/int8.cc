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

// Sums or, on SSE4, hidden activations to the outputs, by the float32 kernel of the same instruction set.
#if HWY_TARGET == HWY_SSE4
Outcome conclude(const Network& n, const Workspace& w, float* output) { return scalar::finish(n, w, output); }
using scalar::gather;
#else
#if HWY_TARGET == HWY_AVX2
namespace isa = avx2;
#elif HWY_TARGET == HWY_NEON
namespace isa = neon;
#else
namespace isa = avx512;
#endif
#if HWY_TARGET == HWY_AVX3_DL
#include "heads-inl.h"

#include "avx512-inl.h"

#include "avx512_short-inl.h"
#endif
Outcome conclude(const Network& n, const Workspace& w, float* output) { return isa::conclude(n, w, output); }
using isa::gather;
#endif

// ---- Layer 1 of neighbouring groups of one strip, accumulators in registers ----

// A stretch of layer 1: groups of four inputs ("quads") begin .. end - 1, from the sums `from` [lanes]. The sums go to
// `kept` [lanes], or, where that is nullptr, through scale, clamp and layer 2 to the workspace's sums.
struct Stretch {
  const Network& network;
  const Workspace& workspace;
  uint32_t begin, end;
  const int32_t* from;
  int32_t* kept;
  bool backward;     // from the last quads to the first: integer sums are the same in any order
  float* output;     // nullptr: no outputs wanted
  Outcome& outcome;  // kNonFiniteInput, or what a tile that goes to the outputs by itself has found
};

// The stretch's inputs, from the beginning of its first quad on. The first `lead` of them are in a tick's kept sums
// already: they are never read, and their code is 0, no input at all (128 would be x = 0). So is the code of those that
// the last quad lacks.
struct Inputs {
  const float* input;
  const float* scale;
  uint32_t lead, count;
};

HWY_INLINE Inputs make_inputs(const Network& network, const float* row, uint32_t begin, uint32_t end) {
  const uint32_t lead = begin % 4;
  // As a number, since it may lie before the caller's array.
  const auto* input = reinterpret_cast<const float*>(reinterpret_cast<uintptr_t>(row) - lead * sizeof(float));
  return {input, network.input_scale + (begin - lead), lead, lead + end - begin};
}

// What the quantiser saw. Asked after layer 1: a non-finite input does no harm there, and nothing is written before.
struct Verdict {
  uint32_t bad;  // not 0: an input is not finite
  uint64_t clipped;
};

HWY_INLINE uint32_t first_quad(const Stretch& stretch, const Strip& strip) {
  return stretch.begin > strip.begin ? stretch.begin : strip.begin;
}
HWY_INLINE uint32_t end_quad(const Stretch& stretch, const Strip& strip) {
  return stretch.end < strip.end ? stretch.end : strip.end;
}

constexpr bool kToOutputs = HWY_TARGET == HWY_AVX3_DL;  // a model of one tile goes to the outputs in registers
constexpr uint32_t kRegistersOfGroup = kGroup / HWY_LANES(float);

// int32 sums of kGroups groups: scale and clamp. Max and Min are the contract's compare and select here: the product of
// an integer and a normal scale is never NaN and never -0.
template <uint32_t kGroups>
HWY_INLINE void activate(const Network& network, uint32_t group, const I32 (&sum)[kGroups * kRegistersOfGroup],
                         F32 (&activation)[kGroups * kRegistersOfGroup]) {
  const float* HWY_RESTRICT scale = network.lane_scale + group * kGroup;
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kGroups * kRegistersOfGroup; ++r) {
    const F32 a = hn::Mul(hn::ConvertTo(kF32, sum[r]), hn::Load(kF32, scale + r * HWY_LANES(float)));
    const F32 high = hn::Set(kF32, network.group_clamp[group + r / kRegistersOfGroup]);
    activation[r] = hn::Min(hn::Max(a, hn::Zero(kF32)), high);
  }
}

// One strip's share of its head's layer 2: a chain of fused multiply-adds for each virtual lane and output, which the
// head's first strip begins and the next ones continue.
template <uint32_t kRegisters>
HWY_INLINE void layer2(const Strip& strip, const F32 (&activation)[kRegisters], float* HWY_RESTRICT all_sums) {
  const float* HWY_RESTRICT row = strip.w2;
  for (uint32_t k = 0; k < strip.outputs; ++k, row += strip.w2_stride) {
    float* const at = all_sums + strip.sums + sums_offset(k);
    F32 sum[kRegistersOfGroup];
    for (uint32_t p = 0; p < kRegistersOfGroup; ++p)
      sum[p] = strip.first ? hn::Zero(kF32) : hn::Load(kF32, at + p * HWY_LANES(float));
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r)
      sum[r % kRegistersOfGroup] =
          hn::MulAdd(activation[r], hn::Load(kF32, row + r * HWY_LANES(float)), sum[r % kRegistersOfGroup]);
    for (uint32_t p = 0; p < kRegistersOfGroup; ++p) hn::Store(sum[p], kF32, at + p * HWY_LANES(float));
  }
}

#if HWY_TARGET == HWY_AVX3_DL
template <uint32_t kGroups>
HWY_INLINE Outcome end_groups(const Network& network, const F32 (&activation)[kGroups], float* output) {
  __m512 registers[kGroups];
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) registers[g] = activation[g].raw;
  return network.small_outputs <= 3 ? end_tile<3>(network, registers, output) : end_tile<4>(network, registers, output);
}
#endif

template <uint32_t kGroups>
HWY_INLINE void end_part(const Stretch& stretch, const Strip& strip, const I32 (&sum)[kGroups * kRegistersOfGroup]) {
  if (stretch.kept == nullptr) {
    F32 activation[kGroups * kRegistersOfGroup];
    activate<kGroups>(stretch.network, strip.group, sum, activation);
#if HWY_TARGET == HWY_AVX3_DL
    if (stretch.output != nullptr && stretch.network.small_outputs != 0) {
      stretch.outcome = end_groups<kGroups>(stretch.network, activation, stretch.output);
      return;
    }
#endif
    if (HWY_TARGET != HWY_SSE4 && strip.w2 != nullptr) return layer2(strip, activation, stretch.workspace.sums);
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kGroups * kRegistersOfGroup; ++r)
      hn::Store(activation[r], kF32, stretch.workspace.hidden + strip.group * kGroup + r * HWY_LANES(float));
    return;
  }
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kGroups * kRegistersOfGroup; ++r)
    hn::Store(sum[r], kI32, stretch.kept + strip.group * kGroup + r * HWY_LANES(int32_t));
}

// Each gives kPartGroups, part tables, take_strip() and layer1(), which returns how many inputs were clipped.
#if HWY_TARGET == HWY_AVX3_DL
#include "int8_vnni-inl.h"
#else
#include "int8_widening-inl.h"
#endif

Outcome run(const Network& network, const float* row, uint32_t begin, uint32_t end, Workspace& workspace,
            const void* from, void* kept, bool backward, float* output) {
  Outcome outcome = Outcome::kDone;
  const Stretch stretch{
      network,  workspace, begin / 4, (end + 3) / 4, static_cast<const int32_t*>(from), static_cast<int32_t*>(kept),
      backward, output,    outcome};
  workspace.clipped = layer1(stretch, make_inputs(network, row, begin, end));
  if (outcome != Outcome::kDone || kept != nullptr || (kToOutputs && network.small_outputs != 0)) return outcome;
  return conclude(network, workspace, output);
}

Outcome tick(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
             float* output) {
#if HWY_TARGET == HWY_AVX3_DL
  if (is_short(network, begin)) return short_path(network, row, begin, kept, workspace, output);
#endif
  return run(network, row, begin, network.inputs, workspace, kept, nullptr, false, output);
}

Outcome infer(const Network& network, const float* input, Workspace& workspace, float* output) {
#if HWY_TARGET == HWY_AVX3_DL
  if (is_short(network, 0)) return short_path(network, input, 0, network.start, workspace, output);
#endif
  workspace.backward = !workspace.backward;
  return run(network, input, 0, network.inputs, workspace, network.start, nullptr, workspace.backward, output);
}

Outcome advance(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
  workspace.backward = !workspace.backward;
  return run(network, input, 0, end, workspace, network.start, kept, workspace.backward, nullptr);
}

#include "int8_batch-inl.h"
#include "int8_lanes-inl.h"
#include "int8_update-inl.h"

}  // namespace

extern const Functions int8 = {.infer = infer,
                               .advance = advance,
                               .tick = tick,
                               .update = update,
                               .encode = encode,
                               .lanes = lanes,
                               .finish = finish,
                               .batch = batch,
                               .gather = gather};

}  // namespace HWY_NAMESPACE
}  // namespace tickmlp
HWY_AFTER_NAMESPACE();

#endif
