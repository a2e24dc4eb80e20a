// SPDX-License-Identifier: Apache-2.0
// Layer 2 and the heads, shared by float32 and int8: one template over an instruction set (its traits: float32.h).
//
// Four heads and four of their outputs go side by side in sixteen lanes, lane 4 * head + output: one AVX-512 register,
// two AVX2, four NEON. The tree of layer 2 ends there, and maximum, exponentials, sum and division of a softmax stay
// inside the 128 bits of its head, in the contract's order. Each step is a wait for the one before, and nothing else is
// left to do meanwhile, so the length of that chain is what counts (Zen 4, tactical: 232 cycles with a register an
// output, see docs/LATENCY.md).
#pragma once

#include <xsimd/xsimd.hpp>

#include "contract.h"

namespace tickmlp {

template <class Isa>
struct Heads {
  using Vector = typename Isa::Vector;
  using Integers = xsimd::batch<int32_t, typename Vector::arch_type>;
  static constexpr uint32_t kWidth = Vector::size;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group, and of four heads by four outputs

  struct Sixteen {
    Vector part[kParts];
  };
  static Sixteen load(const float* values) {
    Sixteen v;
    for (uint32_t p = 0; p < kParts; ++p) v.part[p] = Vector::load_aligned(values + p * kWidth);
    return v;
  }
  static void store(const Sixteen& v, float* to) {
    for (uint32_t p = 0; p < kParts; ++p) v.part[p].store_aligned(to + p * kWidth);
  }

  // Layer 2 of the tiles whose hidden activations went to memory, up to four outputs at a time.
  static void layer2_of_hidden(const Network& network, const Workspace& workspace) {
    for (const Strip *strip = network.strip, *end = strip + network.strips; strip != end; ++strip)
      for (uint32_t k = 0; k < strip->outputs; k += 4) {
        const float* hidden = workspace.hidden + strip->group * kGroup;
        const float* row = strip->w2 + k * strip->w2_stride;
        float* const sums = workspace.sums + strip->sums + sums_offset(k);
        switch (strip->outputs - k) {
          case 1: outputs_of_hidden<1>(*strip, hidden, row, sums); break;
          case 2: outputs_of_hidden<2>(*strip, hidden, row, sums); break;
          case 3: outputs_of_hidden<3>(*strip, hidden, row, sums); break;
          default: outputs_of_hidden<4>(*strip, hidden, row, sums);
        }
      }
  }
  template <uint32_t kCount>
  static void outputs_of_hidden(const Strip& strip, const float* hidden, const float* row, float* sums) {
    Sixteen sum[kCount];
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k) sum[k] = strip.first ? Sixteen{} : load(sums + k * kGroup);
    for (uint32_t at = 0; at < strip.groups * kGroup; at += kGroup) {
      const Sixteen activation = load(hidden + at);
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) {
        const Sixteen weights = load(row + k * strip.w2_stride + at);
#pragma GCC unroll 4
        for (uint32_t p = 0; p < kParts; ++p)
          sum[k].part[p] = Isa::fma(activation.part[p], weights.part[p], sum[k].part[p]);
      }
    }
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k) store(sum[k], sums + k * kGroup);
  }

  // The logits of four heads' kCount outputs. Where there is none the sums are 0 and the start is -infinity, so that its
  // exponential is 0.
  template <uint32_t kCount>
  static Sixteen logits_of(const float* sums, const float* start) {
    Sixteen s[4][4];
#pragma GCC unroll 4
    for (uint32_t h = 0; h < 4; ++h)
#pragma GCC unroll 4
      for (uint32_t k = 0; k < kCount; ++k) s[h][k] = load(sums + (4 * h + k) * kGroup);
    return add(tree<kCount>(s), load(start));
  }

  static Sixteen add(const Sixteen& a, const Sixteen& b) {
    Sixteen sum;
    for (uint32_t p = 0; p < kParts; ++p) sum.part[p] = a.part[p] + b.part[p];
    return sum;
  }

  // Sixteen virtual lanes of each head and output to their sum, adding l + 8, l + 4, l + 2 and l + 1. Outputs beyond
  // kCount are zero and take no part.
  template <uint32_t kCount>
  static Sixteen tree(const Sixteen (&s)[4][4]) {
    const Sixteen zero = {};
    Sixteen four[4];  // [output]: 4 virtual lanes of head 0, of head 1 ...
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 4; ++k)
      if (k < kCount) Isa::fold(s[0][k].part, s[1][k].part, s[2][k].part, s[3][k].part, four[k].part);
    Sixteen sum;
#pragma GCC unroll 4
    for (uint32_t p = 0; p < kParts; ++p) {
      const Vector a = four[0].part[p], b = kCount > 1 ? four[1].part[p] : zero.part[p];
      const Vector low = Isa::zip_low(a, b) + Isa::zip_high(a, b);  // v0 + v2 of a, b, v1 + v3 of a, b
      Vector high = Vector(0.0f);
      if (kCount > 2) {
        const Vector c = four[2].part[p], d = kCount > 3 ? four[3].part[p] : zero.part[p];
        high = Isa::zip_low(c, d) + Isa::zip_high(c, d);
      }
      sum.part[p] = Isa::join_low(low, high) + Isa::join_high(low, high);
    }
    return sum;
  }

  // Whether every real logit is finite.
  static bool all_finite(const Sixteen& logits, const float* start) {
    bool finite = true;
    for (uint32_t p = 0; p < kParts; ++p) {
      const Vector infinity(__builtin_inff());
      const auto absent = Vector::load_aligned(start + p * kWidth) == -infinity;
      finite &= xsimd::all(absent || (xsimd::abs(logits.part[p]) < infinity));
    }
    return finite;
  }

  static Vector exp32(Vector x) {
    const Vector magic(12582912.0f);
    const Vector t = Isa::fma(x, Vector(0x1.715476p+0f), magic);
    const Vector k = t - magic;
    Vector r = Isa::fma(k, Vector(-0x1.62e430p-1f), x);
    r = Isa::fma(k, Vector(0x1.05c610p-29f), r);
    Vector p(0x1.6a23cep-10f);
    p = Isa::fma(p, r, Vector(0x1.123a20p-7f));
    p = Isa::fma(p, r, Vector(0x1.5558f2p-5f));
    p = Isa::fma(p, r, Vector(0x1.555492p-3f));
    p = Isa::fma(p, r, Vector(0x1.fffffcp-2f));
    p = Isa::fma(p, r, Vector(1.0f));
    p = Isa::fma(p, r, Vector(1.0f));
    const Integers exponent = (xsimd::bitwise_cast<Integers>(t) + Integers(127)) << 23;
    return xsimd::select(x < Vector(-87.0f), Vector(0.0f), p * xsimd::bitwise_cast<Vector>(exponent));
  }

  // The largest of each head's four, in all of its lanes.
  static Vector largest(Vector v) {
    const Vector two = xsimd::max(v, Isa::join_high(v, v));
    return xsimd::max(Isa::template spread<0>(two), Isa::template spread<1>(two));
  }

  // sum + v0 + v1 + v2 + v3 of each head, in that order, in all of its lanes.
  static Vector add_in_order(Vector sum, Vector v) {
    sum = sum + Isa::template spread<0>(v);
    sum = sum + Isa::template spread<1>(v);
    sum = sum + Isa::template spread<2>(v);
    return sum + Isa::template spread<3>(v);
  }

  // One block of at most four outputs a head, kOutputs: the whole of it in registers.
  template <uint32_t kOutputs>
  static Outcome conclude_small(const Network& network, const float* sums, float* output) {
    const HeadBlock& block = network.block[0];
    const Sixteen logits = logits_of<kOutputs>(sums, block.start);
    if (!all_finite(logits, block.start)) return Outcome::kNonFiniteOutput;
    Sixteen results;
#pragma GCC unroll 4
    for (uint32_t p = 0; p < kParts; ++p) {
      const Vector logit = logits.part[p];
      const Vector e = exp32(logit - largest(logit));
      Vector sum = Isa::template spread<0>(e);
      if (kOutputs > 1) sum = sum + Isa::template spread<1>(e);
      if (kOutputs > 2) sum = sum + Isa::template spread<2>(e);
      if (kOutputs > 3) sum = sum + Isa::template spread<3>(e);
      const auto softmax = Vector::load_aligned(block.softmax + p * kWidth) > Vector(0.0f);
      // x / 1 is x, to the bit
      results.part[p] = xsimd::select(softmax, e, logit) / xsimd::select(softmax, sum, Vector(1.0f));
    }
    Isa::place(results.part, block, output);
    return Outcome::kDone;
  }

  // The softmax of one block of any number of outputs, in place; heads without one are left alone.
  static void activate(const HeadBlock& block, float* logits) {
    const uint32_t end = 4 * round_up(block.outputs, 4);
    for (uint32_t p = 0; p < kParts; ++p) {
      const auto softmax = Vector::load_aligned(block.softmax + p * kWidth) > Vector(0.0f);
      Vector most = Vector::load_aligned(logits + p * kWidth);
      for (uint32_t at = kGroup + p * kWidth; at < end; at += kGroup)
        most = xsimd::max(most, Vector::load_aligned(logits + at));
      most = largest(most);
      Vector sum(0.0f);  // 0 + e is e, to the bit: e is never -0
      for (uint32_t at = p * kWidth; at < end; at += kGroup) {
        const Vector logit = Vector::load_aligned(logits + at), e = exp32(logit - most);
        sum = add_in_order(sum, e);
        xsimd::select(softmax, e, logit).store_aligned(logits + at);
      }
      const Vector divisor = xsimd::select(softmax, sum, Vector(1.0f));
      for (uint32_t at = p * kWidth; at < end; at += kGroup)
        (Vector::load_aligned(logits + at) / divisor).store_aligned(logits + at);
    }
  }

  // Any number of heads and outputs, four outputs at a time. Every logit is looked at before the first output is
  // written.
  static Outcome conclude_large(const Network& network, Workspace& workspace, float* output) {
    bool finite = true;
    float *logits = workspace.logits, *sums = workspace.sums;
    for (uint32_t h = 0; h < network.heads; h += 4)
      for (uint32_t first = 0; first < network.block[h / 4].outputs;
           first += 4, logits += kGroup, sums += 16 * kGroup) {
        const float* start = network.block[h / 4].start + 4 * first;
        const Sixteen four = logits_of<4>(sums, start);
        finite &= all_finite(four, start);
        store(four, logits);
      }
    if (!finite) return Outcome::kNonFiniteOutput;
    logits = workspace.logits;
    for (uint32_t h = 0; h < network.heads; h += 4) {
      const HeadBlock& block = network.block[h / 4];
      activate(block, logits);
      for (uint32_t lane = 0; lane < 4 && h + lane < network.heads; ++lane)
        for (uint32_t k = 0; k < network.head[h + lane].outputs; ++k)
          output[network.head[h + lane].output_begin + k] = logits[k / 4 * kGroup + 4 * lane + k % 4];
      logits += 4 * round_up(block.outputs, 4);
    }
    return Outcome::kDone;
  }

  // Sums of all layer-2 lanes to outputs.
  static Outcome conclude(const Network& network, Workspace& workspace, float* output) {
    switch (network.heads <= 4 ? network.block[0].outputs : 0) {
      case 1: return conclude_small<1>(network, workspace.sums, output);
      case 2: return conclude_small<2>(network, workspace.sums, output);
      case 3: return conclude_small<3>(network, workspace.sums, output);
      case 4: return conclude_small<4>(network, workspace.sums, output);
      default: return conclude_large(network, workspace, output);
    }
  }
};

// Results of a small block to the model's outputs, for instruction sets without a permutation across registers.
template <class Vector, uint32_t kParts>
inline __attribute__((always_inline)) void place_in_order(const Vector (&results)[kParts], const HeadBlock& block,
                                                          float* output) {
  alignas(64) float flat[kGroup];
  for (uint32_t p = 0; p < kParts; ++p) results[p].store_aligned(flat + p * Vector::size);
  for (uint32_t j = 0; j < block.output_count; ++j) output[block.output_begin + j] = flat[block.order[j]];
}

}  // namespace tickmlp
