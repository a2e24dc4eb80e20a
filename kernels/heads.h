// SPDX-License-Identifier: Apache-2.0
// Layer 2 and the heads, shared by float32 and int8: one template over an instruction set (its traits: float32.h).
//
// Four heads go side by side, one in each lane of a 128-bit register, and outputs one after the other. So the last
// half of layer 2's tree is done for four heads at once, and maximum, exponentials, sum and division of a softmax are
// plain lane-wise operations in the contract's order. Scalar code for the softmax took 150 ns of 1,090 on Zen 4, most
// of it in stores that could not be forwarded to wider loads.
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
  static Float4 load(const float* values) { return *reinterpret_cast<const Float4*>(values); }

  // Where w2 of output k of one head lies; the head's first row where it has no such output. Ready-made for small
  // blocks.
  static const float* small_row(const Head&, const HeadBlock& block, uint32_t h, uint32_t k) { return block.row[h][k]; }
  static const float* any_row(const Head& head, const HeadBlock&, uint32_t, uint32_t k) {
    return head.w2 + (k < head.outputs ? size_t{k} * head.groups * kGroup : 0);
  }

  // The logits of outputs first .. first + kCount - 1 of four heads, a register an output. A start of -infinity marks a
  // lane that is not one: there the head's first row is read again and its logit becomes -infinity, its exponential 0.
  // (Were the sum +infinity, the head's first logit would be too, which is refused.) Nothing branches but the loop over
  // a head's groups, and hidden activations are loaded once for all outputs.
  template <uint32_t kCount, const float* (*rows)(const Head&, const HeadBlock&, uint32_t, uint32_t)>
  static void logits_of(const Head* head, const HeadBlock& block, const float* hidden, uint32_t first, Float4* logits) {
    Vector s[4][kCount][kParts];
#pragma GCC unroll 4
    for (uint32_t h = 0; h < 4; ++h) {
      const float* lanes = hidden + head[h].group_begin * kGroup;
      const float* row[kCount];
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) {
        row[k] = rows(head[h], block, h, first + k);
#pragma GCC unroll 4
        for (uint32_t p = 0; p < kParts; ++p) s[h][k][p] = Vector(0.0f);
      }
      for (uint32_t at = 0; at < head[h].groups * kGroup; at += kGroup)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < kParts; ++p) {
          const Vector activation = Vector::load_aligned(lanes + at + p * kWidth);
#pragma GCC unroll 4
          for (uint32_t k = 0; k < kCount; ++k)
            s[h][k][p] = Isa::fma(activation, Vector::load_aligned(row[k] + at + p * kWidth), s[h][k][p]);
        }
    }
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k)
      logits[k] = Isa::tree(s[0][k], s[1][k], s[2][k], s[3][k]) + load(block.start + 4 * (first + k));
  }

  // Whether every real logit is finite.
  template <uint32_t kCount>
  static bool all_finite(const HeadBlock& block, uint32_t first, const Float4* logits) {
    Int4 bad = {};
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k) {
      const Float4 magnitude = (Float4)((Int4)logits[k] & 0x7FFFFFFF);
      bad |= ~(magnitude < all(__builtin_inff())) & (load(block.start + 4 * (first + k)) > all(-__builtin_inff()));
    }
    return Isa::none(bad);
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
    return x < all(-87.0f) ? all(0.0f) : p * power;
  }

  // Probabilities or values of one block in place of its logits. kOutputs is block.outputs where that is at most 4, so
  // that everything stays in registers; 0 for any number.
  template <uint32_t kOutputs>
  static void activate(const HeadBlock& block, Float4* logits) {
    const uint32_t outputs = kOutputs != 0 ? kOutputs : block.outputs;
    Float4 m = logits[0];
#pragma GCC unroll 4
    for (uint32_t k = 1; k < outputs; ++k) m = logits[k] > m ? logits[k] : m;
    const Int4 softmax = *reinterpret_cast<const Int4*>(block.softmax);
    Float4 sum = {};
#pragma GCC unroll 4
    for (uint32_t k = 0; k < outputs; ++k) {
      const Float4 e = exp32(logits[k] - m);
      sum = k == 0 ? e : sum + e;
      logits[k] = softmax ? e : logits[k];
    }
    const Float4 divisor = softmax ? sum : all(1.0f);  // x / 1 is x, to the bit
#pragma GCC unroll 4
    for (uint32_t k = 0; k < outputs; ++k) logits[k] = logits[k] / divisor;
  }

  // One block of at most four outputs a head, kOutputs: the whole of it in registers.
  template <uint32_t kOutputs>
  static Outcome finish_small(const Network& network, const float* hidden, float* output) {
    Float4 logits[4] = {};
    logits_of<kOutputs, small_row>(network.head, network.block[0], hidden, 0, logits);
    if (!all_finite<kOutputs>(network.block[0], 0, logits)) return Outcome::kNonFiniteOutput;
    activate<kOutputs>(network.block[0], logits);
    Isa::place(logits, network.block[0], output);
    return Outcome::kDone;
  }

  // Any number of heads and outputs, four outputs at a time. Every logit is looked at before the first output is
  // written.
  static Outcome finish_large(const Network& network, Workspace& workspace, float* output) {
    bool finite = true;
    auto* logits = reinterpret_cast<Float4*>(workspace.logits);
    for (uint32_t h = 0; h < network.heads; h += 4)
      for (uint32_t first = 0; first < network.block[h / 4].outputs; first += 4, logits += 4) {
        logits_of<4, any_row>(network.head + h, network.block[h / 4], workspace.hidden, first, logits);
        finite &= all_finite<4>(network.block[h / 4], first, logits);
      }
    if (!finite) return Outcome::kNonFiniteOutput;
    logits = reinterpret_cast<Float4*>(workspace.logits);
    for (uint32_t h = 0; h < network.heads; h += 4) {
      activate<0>(network.block[h / 4], logits);
      for (uint32_t lane = 0; lane < 4 && h + lane < network.heads; ++lane)
        for (uint32_t k = 0; k < network.head[h + lane].outputs; ++k)
          output[network.head[h + lane].output_begin + k] = logits[k][lane];
      logits += round_up(network.block[h / 4].outputs, 4);
    }
    return Outcome::kDone;
  }

  static Outcome finish(const Network& network, Workspace& workspace, float* output) {
    switch (network.heads <= 4 ? network.block[0].outputs : 0) {
      case 1: return finish_small<1>(network, workspace.hidden, output);
      case 2: return finish_small<2>(network, workspace.hidden, output);
      case 3: return finish_small<3>(network, workspace.hidden, output);
      case 4: return finish_small<4>(network, workspace.hidden, output);
      default: return finish_large(network, workspace, output);
    }
  }
};

// Results [4][4] of a small block to the model's outputs. A store of 16 bytes forwards to the loads of 4 inside it.
inline __attribute__((always_inline)) void place_in_order(const Float4 (&results)[4], const HeadBlock& block,
                                                          float* output) {
  alignas(64) float flat[16];
  for (uint32_t k = 0; k < 4; ++k) *reinterpret_cast<Float4*>(flat + 4 * k) = results[k];
  for (uint32_t j = 0; j < block.output_count; ++j) output[block.output_begin + j] = flat[block.order[j]];
}

// Four registers of four lanes, a head each, to one register with a sum for each head: (v0 + v2) + (v1 + v3).
inline __attribute__((always_inline)) Float4 finish_tree(Float4 a, Float4 b, Float4 c, Float4 d) {
  const Float4 ab02 = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab13 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  const Float4 cd02 = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd13 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  const Float4 v0 = __builtin_shufflevector(ab02, cd02, 0, 1, 4, 5);
  const Float4 v1 = __builtin_shufflevector(ab13, cd13, 0, 1, 4, 5);
  const Float4 v2 = __builtin_shufflevector(ab02, cd02, 2, 3, 6, 7);
  const Float4 v3 = __builtin_shufflevector(ab13, cd13, 2, 3, 6, 7);
  return (v0 + v2) + (v1 + v3);
}

}  // namespace tickmlp
