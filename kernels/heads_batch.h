// SPDX-License-Identifier: Apache-2.0
// Layer 2 and the heads of a batch, shared by float32 and int8: one template over an instruction set (its traits:
// float32.h and layer2-inl.h). Included after heads-inl.h.
//
// As many states as a register has lanes at once. Layer 2's trees end with a state in each lane, so that maximum,
// exponentials, sum and division of a softmax are plain lane-wise operations in the contract's order, whatever the
// number of outputs. One state after another by heads-inl.h took 59 ns a state on Zen 4 (tactical model), this takes
// 32.
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"

namespace tickmlp {

template <class Isa>
struct HeadsBatch {
  using Vector = typename Isa::Vector;
  static constexpr uint32_t kWidth = Vector::size;                    // states at once
  static constexpr uint32_t kParts = kGroup / kWidth;                 // registers of sixteen virtual lanes
  static constexpr uint32_t kOutputs = 3;                             // outputs and
  static constexpr uint32_t kRows = 4 / kParts > 1 ? 4 / kParts : 1;  // states whose sums are in registers at once

  // The virtual lanes of kCount outputs, from `first` on, of one head, for kRows states.
  template <uint32_t kCount>
  static void layer2(const Head& head, uint32_t first, const float* const (&hidden)[kRows],
                     Vector (&sums)[kOutputs][kWidth][kParts], uint32_t state) {
    const uint32_t padded = head.groups * kGroup;
    const float* row = head.w2 + size_t{first} * padded;
    Vector s[kRows][kCount][kParts];
#pragma GCC unroll 4
    for (uint32_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < kParts; ++p) s[r][k][p] = Vector(0.0f);
    for (uint32_t at = 0; at < padded; at += kGroup)
#pragma GCC unroll 4
      for (uint32_t p = 0; p < kParts; ++p) {
        Vector w[kCount];
#pragma GCC unroll 4
        for (uint32_t k = 0; k < kCount; ++k) w[k] = Vector::load_aligned(row + k * padded + at + p * kWidth);
#pragma GCC unroll 4
        for (uint32_t r = 0; r < kRows; ++r) {
          const Vector activation = Vector::load_aligned(hidden[r] + at + p * kWidth);
#pragma GCC unroll 4
          for (uint32_t k = 0; k < kCount; ++k) s[r][k][p] = Isa::fma(activation, w[k], s[r][k][p]);
        }
      }
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k)
#pragma GCC unroll 4
      for (uint32_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (uint32_t p = 0; p < kParts; ++p) sums[k][state + r][p] = s[r][k][p];
  }

  // Logits [outputs][kWidth] of `states` states, 1 .. kWidth; the lanes of states that are not there repeat the last
  // one. NaN in the result's lanes where a logit of that state is not finite, since infinity and NaN times 0 are NaN.
  static Vector make_logits(const Network& network, const float* hidden, uint32_t states, float* logits) {
    const size_t lanes = size_t{network.groups} * kGroup;
    Vector sums[kOutputs][kWidth][kParts], product(0.0f);
    for (uint32_t h = 0; h < network.heads; ++h) {
      const Head& head = network.head[h];
      for (uint32_t first = 0; first < head.outputs; first += kOutputs) {
        const uint32_t count = head.outputs - first < kOutputs ? head.outputs - first : kOutputs;
        for (uint32_t state = 0; state < kWidth; state += kRows) {
          const float* rows[kRows];
          for (uint32_t r = 0; r < kRows; ++r)
            rows[r] = hidden + (state + r < states ? state + r : states - 1) * lanes + head.group_begin * kGroup;
          if (count == 1) layer2<1>(head, first, rows, sums, state);
          else if (count == 2) layer2<2>(head, first, rows, sums, state);
          else layer2<3>(head, first, rows, sums, state);
        }
        for (uint32_t k = 0; k < count; ++k) {
          const uint32_t output = head.output_begin + first + k;
          const Vector logit = Isa::tree_of_states(sums[k]) + Vector(network.start2[output]);
          product = Isa::fma(logit, Vector(0.0f), product);
          logit.store_aligned(logits + output * kWidth);
        }
      }
    }
    return product;
  }

  // The compiler's division: xsimd 8.1 divides by an estimated reciprocal on NEON, one unit off now and then.
  static Vector divide(Vector a, Vector b) {
    const typename Vector::register_type numerator = a, denominator = b;
    return Vector(numerator / denominator);
  }

  // The softmax of one head's logits [outputs][kWidth], in place.
  static void softmax(uint32_t outputs, float* logits) {
    Vector m = Vector::load_aligned(logits);
    for (uint32_t k = 1; k < outputs; ++k) {
      const Vector logit = Vector::load_aligned(logits + k * kWidth);
      m = xsimd::select(logit > m, logit, m);
    }
    Vector sum(0.0f);  // 0 + e is e, to the bit: e is never -0
    for (uint32_t k = 0; k < outputs; ++k) {
      const Vector e = Heads<Isa>::exp32(Vector::load_aligned(logits + k * kWidth) - m);
      sum = sum + e;
      e.store_aligned(logits + k * kWidth);
    }
    for (uint32_t k = 0; k < outputs; ++k)
      divide(Vector::load_aligned(logits + k * kWidth), sum).store_aligned(logits + k * kWidth);
  }

  // Layer 2 and the heads of `states` states, from workspace.hidden to outputs [states][outputs]. How many were done:
  // all, or those before the first whose logits are not all finite.
  static uint32_t finish(const Network& network, const BatchWorkspace& workspace, uint32_t states, float* outputs) {
    for (uint32_t begin = 0; begin < states; begin += kWidth) {
      const uint32_t here = states - begin < kWidth ? states - begin : kWidth;
      const float* hidden = workspace.hidden + size_t{begin} * network.groups * kGroup;
      float* logits = workspace.logits;
      alignas(64) float product[kWidth];
      make_logits(network, hidden, here, logits).store_aligned(product);
      uint32_t finite = 0;
      while (finite < here && product[finite] == product[finite]) ++finite;
      for (uint32_t h = 0; h < network.heads; ++h)
        if (network.head[h].softmax) softmax(network.head[h].outputs, logits + network.head[h].output_begin * kWidth);
      float* output = outputs + size_t{begin} * network.outputs;
      for (uint32_t s = 0; s < finite; ++s)
        for (uint32_t k = 0; k < network.outputs; ++k) *output++ = logits[k * kWidth + s];
      if (finite < here) return begin + finite;
    }
    return states;
  }
};

}  // namespace tickmlp
