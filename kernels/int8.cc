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
namespace isa = scalar;
Outcome conclude(const Network& n, Workspace& w, float* output) { return scalar::finish(n, w, output); }
#else
#if HWY_TARGET == HWY_AVX2
namespace isa = avx2;
#elif HWY_TARGET == HWY_NEON
namespace isa = neon;
#else
namespace isa = avx512;
#endif
Outcome conclude(const Network& n, Workspace& w, float* output) { return isa::conclude(n, w, output); }
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
  bool backward;  // from the last quads to the first: integer sums are the same in any order
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

// What the quantiser saw.
struct Verdict {
  uint32_t bad;  // not 0: an input is not finite. Asked after layer 1: such inputs do no harm there, and nothing is
                 // written before
  uint64_t clipped;
};

HWY_INLINE uint32_t first_quad(const Stretch& stretch, const Strip& strip) {
  return stretch.begin > strip.begin ? stretch.begin : strip.begin;
}
HWY_INLINE uint32_t end_quad(const Stretch& stretch, const Strip& strip) {
  return stretch.end < strip.end ? stretch.end : strip.end;
}

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

struct Ops {
  using Vector = F32;
  static constexpr uint32_t kLanes = HWY_LANES(float);
  static HWY_INLINE F32 zero() { return hn::Zero(kF32); }
  static HWY_INLINE F32 load(const float* from) { return hn::Load(kF32, from); }
  static HWY_INLINE void store(F32 v, float* to) { hn::Store(v, kF32, to); }
  static HWY_INLINE F32 fma(F32 a, F32 b, F32 c) { return hn::MulAdd(a, b, c); }
};
#if HWY_TARGET != HWY_SSE4  // its multiply-add is not fused: layer 2 is the scalar one
#include "layer2-inl.h"
#endif

template <uint32_t kGroups>
HWY_INLINE void end_part(const Stretch& stretch, const Strip& strip, const I32 (&sum)[kGroups * kRegistersOfGroup]) {
  if (stretch.kept == nullptr) {
    F32 activation[kGroups * kRegistersOfGroup];
    activate<kGroups>(stretch.network, strip.group, sum, activation);
#if HWY_TARGET != HWY_SSE4
    if (strip.w2 != nullptr) return layer2_of_strip<Ops>(strip, activation, stretch.workspace.sums);
#endif
#if HWY_TARGET == HWY_AVX3_DL
    if (strip.strips != nullptr && strip.outputs <= 3)
      return layer2_of_tile<Ops, 3>(strip.strips, strip.ends, activation, stretch.workspace.sums);
    if (strip.strips != nullptr)
      return layer2_of_tile<Ops, 4>(strip.strips, strip.ends, activation, stretch.workspace.sums);
#endif
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kGroups * kRegistersOfGroup; ++r)
      hn::Store(activation[r], kF32, stretch.workspace.hidden + strip.group * kGroup + r * HWY_LANES(float));
    return;
  }
#pragma GCC unroll 32
  for (uint32_t r = 0; r < kGroups * kRegistersOfGroup; ++r)
    hn::Store(sum[r], kI32, stretch.kept + strip.group * kGroup + r * HWY_LANES(int32_t));
}

// Each gives kPartGroups, part tables and layer1().
#if HWY_TARGET == HWY_AVX3_DL
#include "int8_vnni-inl.h"
#else
#include "int8_widening-inl.h"
#endif

Outcome run(const Stretch& stretch, const Inputs& inputs, Workspace& workspace, float* output) {
  const Verdict verdict = layer1(stretch, inputs);
  workspace.clipped = verdict.clipped;
  if (verdict.bad != 0) return Outcome::kNonFiniteInput;
  return stretch.kept != nullptr ? Outcome::kDone : conclude(stretch.network, workspace, output);
}

Outcome tick(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
             float* output) {
  const Stretch stretch{network, workspace, begin / 4, (network.inputs + 3) / 4, static_cast<const int32_t*>(kept),
                        nullptr, false};
  return run(stretch, make_inputs(network, row, begin, network.inputs), workspace, output);
}

Outcome infer(const Network& network, const float* input, Workspace& workspace, float* output) {
  workspace.backward = !workspace.backward;
  const Stretch stretch{
      network, workspace,         0, (network.inputs + 3) / 4, static_cast<const int32_t*>(network.start),
      nullptr, workspace.backward};
  return run(stretch, make_inputs(network, input, 0, network.inputs), workspace, output);
}

Outcome advance(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
  workspace.backward = !workspace.backward;
  const Stretch stretch{network,
                        workspace,
                        0,
                        (end + 3) / 4,
                        static_cast<const int32_t*>(network.start),
                        static_cast<int32_t*>(kept),
                        workspace.backward};
  return run(stretch, make_inputs(network, input, 0, end), workspace, nullptr);
}

}  // namespace

extern const Functions int8 = {.infer = infer, .advance = advance, .tick = tick};

}  // namespace HWY_NAMESPACE
}  // namespace tickmlp
HWY_AFTER_NAMESPACE();

#endif
