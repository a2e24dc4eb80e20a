// SPDX-License-Identifier: Apache-2.0
// Layer 2 and the heads, shared by float32 and int8: one template over an instruction set (its traits: float32.h).
//
// Four heads go side by side, one in each lane of a 128-bit register, and outputs one after the other. So the last half
// of layer 2's tree is done for four heads at once, and maximum, exponentials, sum and division of a softmax are plain
// lane-wise operations in the contract's order. Scalar code for the softmax took 150 ns of 1,090 on Zen 4, most of it in
// stores that could not be forwarded to wider loads.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"

namespace tickmlp {

using Float4 = float __attribute__((vector_size(16)));
using Int4 = int32_t __attribute__((vector_size(16)));

template <class Isa>
struct Heads {
  using Vector = typename Isa::Vector;
  static constexpr uint32_t kWidth = Vector::size;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group

  static Float4 all(float value) { return Float4{value, value, value, value}; }
  static Float4 select(Int4 mask, Float4 yes, Float4 no) { return (Float4)((mask & (Int4)yes) | (~mask & (Int4)no)); }
  static Float4 load(const float* values) { return *reinterpret_cast<const Float4*>(values); }

  // Sixteen virtual lanes of one output, folded to four; zeros where the head has no such output.
  static Float4 output_lanes(const Head& head, const float* hidden, uint32_t k) {
    if (k >= head.outputs) return all(0.0f);
    const float* lanes = hidden + head.group_begin * kGroup;
    const float* row = head.w2 + static_cast<size_t>(k) * head.groups * kGroup;
    Vector s[kParts];
#pragma GCC unroll 4
    for (uint32_t p = 0; p < kParts; ++p) s[p] = Vector(0.0f);
    for (uint32_t b = 0; b < head.groups; ++b, lanes += kGroup, row += kGroup) {
#pragma GCC unroll 4
      for (uint32_t p = 0; p < kParts; ++p)
        s[p] = Isa::fma(Vector::load_aligned(lanes + p * kWidth), Vector::load_aligned(row + p * kWidth), s[p]);
    }
    return Isa::fold(s);
  }

  // The rest of the tree for four heads at once: a 4 x 4 transpose, then (v0 + v2) + (v1 + v3).
  static Float4 finish_tree(Float4 a, Float4 b, Float4 c, Float4 d) {
    const Float4 ab02 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab13 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const Float4 cd02 = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd13 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
    const Float4 v0 = __builtin_shufflevector(ab02, cd02, 0, 1, 4, 5);
    const Float4 v1 = __builtin_shufflevector(ab13, cd13, 0, 1, 4, 5);
    const Float4 v2 = __builtin_shufflevector(ab02, cd02, 2, 3, 6, 7);
    const Float4 v3 = __builtin_shufflevector(ab13, cd13, 2, 3, 6, 7);
    return (v0 + v2) + (v1 + v3);
  }

  static Float4 exp32(Float4 x) {
    const Float4 magic = all(12582912.0f);
    const Float4 t = Isa::fma4(x, all(0x1.715476p+0f), magic);
    const Float4 k = t - magic;
    Float4 r = Isa::fma4(k, all(-0x1.62e430p-1f), x);
    r = Isa::fma4(k, all(0x1.05c610p-29f), r);
    Float4 p = all(0x1.6a23cep-10f);
    p = Isa::fma4(p, r, all(0x1.123a20p-7f));
    p = Isa::fma4(p, r, all(0x1.5558f2p-5f));
    p = Isa::fma4(p, r, all(0x1.555492p-3f));
    p = Isa::fma4(p, r, all(0x1.fffffcp-2f));
    p = Isa::fma4(p, r, all(1.0f));
    p = Isa::fma4(p, r, all(1.0f));
    const Float4 power = (Float4)(((Int4)t + 127) << 23);
    return select(x < all(-87.0f), all(0.0f), p * power);
  }

  // Logits of one block, [outputs][4]; true when every real one is finite. A start of -infinity marks a lane that is not
  // one: its logit becomes -infinity, its exponential exactly 0.
  static bool layer2(const Head* head, const HeadBlock& block, const float* hidden, float* logits) {
    const Float4 infinity = all(__builtin_inff());
    Int4 bad = {};
    for (uint32_t k = 0; k < block.outputs; ++k) {
      const Float4 start = load(block.start + 4 * k);
      const Float4 logit = finish_tree(output_lanes(head[0], hidden, k), output_lanes(head[1], hidden, k),
                                       output_lanes(head[2], hidden, k), output_lanes(head[3], hidden, k)) +
                           start;
      const Float4 magnitude = (Float4)((Int4)logit & 0x7FFFFFFF);
      bad |= ~(magnitude < infinity) & (start > -infinity);
      *reinterpret_cast<Float4*>(logits + 4 * k) = logit;
    }
    return (bad[0] | bad[1] | bad[2] | bad[3]) == 0;
  }

  // Probabilities or values of one block, from its logits (overwritten) to the model's outputs.
  static void activate(const Network& network, uint32_t first_head, const HeadBlock& block, float* logits,
                       float* output) {
    Float4 m = load(logits);
    for (uint32_t k = 1; k < block.outputs; ++k) {
      const Float4 logit = load(logits + 4 * k);
      m = select(logit > m, logit, m);
    }
    const Int4 softmax = *reinterpret_cast<const Int4*>(block.softmax);
    Float4 sum = {};
    for (uint32_t k = 0; k < block.outputs; ++k) {
      const Float4 logit = load(logits + 4 * k);
      const Float4 e = exp32(logit - m);
      sum = k == 0 ? e : sum + e;
      *reinterpret_cast<Float4*>(logits + 4 * k) = select(softmax, e, logit);
    }
    const Float4 divisor = select(softmax, sum, all(1.0f));  // x / 1 is x, to the bit
    const uint32_t heads = network.heads - first_head < 4 ? network.heads - first_head : 4;
    const Head* head = network.head + first_head;
    for (uint32_t k = 0; k < block.outputs; ++k) {
      const Float4 quotient = load(logits + 4 * k) / divisor;
      for (uint32_t h = 0; h < heads; ++h)
        if (k < head[h].outputs) output[head[h].output_begin + k] = quotient[h];
    }
  }

  // Every logit is looked at before the first output is written.
  static Outcome finish(const Network& network, Workspace& workspace, float* output) {
    bool finite = true;
    float* logits = workspace.logits;
    for (uint32_t h = 0; h < network.heads; h += 4) {
      const HeadBlock& block = network.block[h / 4];
      finite &= layer2(network.head + h, block, workspace.hidden, logits);
      logits += 4 * block.outputs;
    }
    if (!finite) return Outcome::kNonFiniteOutput;
    logits = workspace.logits;
    for (uint32_t h = 0; h < network.heads; h += 4) {
      activate(network, h, network.block[h / 4], logits, output);
      logits += 4 * network.block[h / 4].outputs;
    }
    return Outcome::kDone;
  }
};

}  // namespace tickmlp
