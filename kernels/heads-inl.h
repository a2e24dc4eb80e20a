// SPDX-License-Identifier: Apache-2.0
// Layer 2 and the heads, shared by float32 and int8: one template over an instruction set.
//
// Four heads and four of their outputs go side by side in sixteen lanes, lane 4 * head + output: one AVX-512 register,
// two AVX2, four NEON. The tree of layer 2 ends there, and maximum, exponentials, sum and division of a softmax stay
// inside the 128 bits of its head, in the contract's order. Each step is a wait for the one before, and nothing else is
// left to do meanwhile, so the length of that chain is what counts.
//
// Included without a guard into the namespace of each instruction set. What its struct `Isa` brings: layer2-inl.h.

#include "layer2-inl.h"

template <class Isa>
struct Heads : Layer2<Isa> {
  using Base = Layer2<Isa>;
  using Base::kParts, Base::kWidth, Base::load, Base::store;
  using typename Base::Sixteen;
  using typename Base::Vector;

  // Layer-2 sums of four heads' kCount outputs, [head][4][16], as far as four virtual lanes of each.
  template <uint32_t kCount>
  static void fold_sums(const float* sums, Sixteen (&four)[4]) {
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kCount; ++k)
      Isa::fold(load(sums + k * kGroup).part, load(sums + (4 + k) * kGroup).part, load(sums + (8 + k) * kGroup).part,
                load(sums + (12 + k) * kGroup).part, four[k].part);
  }

  static Sixteen add(const Sixteen& a, const Sixteen& b) {
    Sixteen sum;
    for (uint32_t p = 0; p < kParts; ++p) sum.part[p] = a.part[p] + b.part[p];
    return sum;
  }

  // The logits from what fold() left, adding l + 2 and l + 1. Outputs beyond kCount are zero. Where a head has no such
  // output the start is -infinity, so that its exponential is 0. (Were the sum +infinity, so would be the head's first
  // logit, which is refused.)
  template <uint32_t kCount>
  static Sixteen logits_of(const Sixteen (&four)[4], const float* start) {
    Sixteen sum;
#pragma GCC unroll 4
    for (uint32_t p = 0; p < kParts; ++p) {
      const Vector zero = Isa::all(0.0f);
      const Vector a = four[0].part[p], b = kCount > 1 ? four[1].part[p] : zero;
      const Vector low = Isa::zip_low(a, b) + Isa::zip_high(a, b);  // v0 + v2 of a, b, v1 + v3 of a, b
      Vector high = zero;
      if (kCount > 2) {
        const Vector c = four[2].part[p], d = kCount > 3 ? four[3].part[p] : zero;
        high = Isa::zip_low(c, d) + Isa::zip_high(c, d);
      }
      sum.part[p] = Isa::join_low(low, high) + Isa::join_high(low, high);
    }
    return add(sum, load(start));
  }

  // Whether every real logit is finite.
  static bool all_finite(const Sixteen& logits, const float* start) {
    bool finite = true;
    for (uint32_t p = 0; p < kParts; ++p) finite &= Isa::finite(logits.part[p], Isa::load(start + p * kWidth));
    return finite;
  }

  static Vector exp32(Vector x) {
    const Vector magic = Isa::all(12582912.0f);
    const Vector t = Isa::fma(x, Isa::all(0x1.715476p+0f), magic);
    const Vector k = t - magic;
    Vector r = Isa::fma(k, Isa::all(-0x1.62e430p-1f), x);
    r = Isa::fma(k, Isa::all(0x1.05c610p-29f), r);
    Vector p = Isa::all(0x1.6a23cep-10f);
    p = Isa::fma(p, r, Isa::all(0x1.123a20p-7f));
    p = Isa::fma(p, r, Isa::all(0x1.5558f2p-5f));
    p = Isa::fma(p, r, Isa::all(0x1.555492p-3f));
    p = Isa::fma(p, r, Isa::all(0x1.fffffcp-2f));
    p = Isa::fma(p, r, Isa::all(1.0f));
    p = Isa::fma(p, r, Isa::all(1.0f));
    return Isa::where_less(x, Isa::all(-87.0f), Isa::all(0.0f), Isa::times_power_of_two(p, t));
  }

  // The largest of each head's four, in all of its lanes.
  static Vector largest(Vector v) {
    const Vector two = Isa::maximum(v, Isa::join_high(v, v));
    return Isa::maximum(Isa::template spread<0>(two), Isa::template spread<1>(two));
  }

  // The same of its first kOutputs.
  template <uint32_t kOutputs>
  static Vector largest_of(Vector v) {
    Vector most = Isa::template spread<0>(v);
    if (kOutputs > 1) most = Isa::maximum(most, Isa::template spread<1>(v));
    if (kOutputs > 2) most = Isa::maximum(most, Isa::template spread<2>(v));
    if (kOutputs > 3) most = Isa::maximum(most, Isa::template spread<3>(v));
    return most;
  }

  // sum + v0 + v1 + v2 + v3 of each head, in that order, in all of its lanes.
  static Vector add_in_order(Vector sum, Vector v) {
    sum = sum + Isa::template spread<0>(v);
    sum = sum + Isa::template spread<1>(v);
    sum = sum + Isa::template spread<2>(v);
    return sum + Isa::template spread<3>(v);
  }

  // Where the lane's head has no softmax `no`, elsewhere `yes`.
  static Vector where_softmax(const HeadBlock& block, uint32_t p, Vector yes, Vector no) {
    return Isa::where_less(Isa::all(0.0f), Isa::load(block.softmax + p * kWidth), yes, no);
  }

  // The softmax of heads of at most kOutputs outputs; where the lane's head has none, `value`.
  template <uint32_t kOutputs>
  static Vector softmax(const HeadBlock& block, uint32_t p, Vector logit, Vector value) {
    const Vector e = exp32(logit - largest_of<kOutputs>(logit));
    Vector sum = Isa::template spread<0>(e);
    if (kOutputs > 1) sum = sum + Isa::template spread<1>(e);
    if (kOutputs > 2) sum = sum + Isa::template spread<2>(e);
    if (kOutputs > 3) sum = sum + Isa::template spread<3>(e);
    return where_softmax(block, p, e / sum, value);
  }

  // One block of at most four outputs a head, kOutputs, from what fold() left: all of it in registers.
  template <uint32_t kOutputs>
  static Outcome conclude_four(const Network& network, const Sixteen (&four)[4], float* output) {
    const HeadBlock& block = network.block[0];
    const Sixteen logits = logits_of<kOutputs>(four, block.small_start);
    if (!all_finite(logits, block.small_start)) return Outcome::kNonFiniteOutput;
    Sixteen results;
    for (uint32_t p = 0; p < kParts; ++p) results.part[p] = softmax<kOutputs>(block, p, logits.part[p], logits.part[p]);
    Isa::place(results.part, block, output);
    return Outcome::kDone;
  }

  template <uint32_t kOutputs>
  static Outcome conclude_small(const Network& network, const float* sums, float* output) {
    Sixteen four[4];
    fold_sums<kOutputs>(sums, four);
    return conclude_four<kOutputs>(network, four, output);
  }

  // The softmax of one block of any number of outputs, in place; heads without one are left alone.
  static void activate(const HeadBlock& block, float* logits) {
    const uint32_t end = 4 * round_up(block.outputs, 4);
    for (uint32_t p = 0; p < kParts; ++p) {
      Vector most = Isa::load(logits + p * kWidth);
      for (uint32_t at = kGroup + p * kWidth; at < end; at += kGroup) most = Isa::maximum(most, Isa::load(logits + at));
      most = largest(most);
      Vector sum = Isa::all(0.0f);  // 0 + e is e, to the bit: e is never -0
      for (uint32_t at = p * kWidth; at < end; at += kGroup) {
        const Vector logit = Isa::load(logits + at), e = exp32(logit - most);
        sum = add_in_order(sum, e);
        Isa::store(where_softmax(block, p, e, logit), logits + at);
      }
      const Vector divisor = where_softmax(block, p, sum, Isa::all(1.0f));
      for (uint32_t at = p * kWidth; at < end; at += kGroup) Isa::store(Isa::load(logits + at) / divisor, logits + at);
    }
  }

  // Any number of heads and outputs, four outputs at a time. Every logit is looked at before the first output is
  // written.
  static Outcome conclude_large(const Network& network, const Workspace& workspace, float* output) {
    bool finite = true;
    float *logits = workspace.logits, *sums = workspace.sums;
    for (uint32_t h = 0; h < network.heads; h += 4)
      for (uint32_t first = 0; first < network.block[h / 4].outputs;
           first += 4, logits += kGroup, sums += 16 * kGroup) {
        const float* start = network.block[h / 4].start + 4 * first;
        Sixteen four[4];
        fold_sums<4>(sums, four);
        const Sixteen logit = logits_of<4>(four, start);
        finite &= all_finite(logit, start);
        store(logit, logits);
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
  static Outcome conclude(const Network& network, const Workspace& workspace, float* output) {
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
template <class Isa, uint32_t kParts>
static inline __attribute__((always_inline)) void place_in_order(const typename Isa::Register (&results)[kParts],
                                                                 const HeadBlock& block, float* output) {
  alignas(64) float flat[kGroup];
  for (uint32_t p = 0; p < kParts; ++p) Isa::store(results[p], flat + p * Isa::kLanes);
  for (uint32_t j = 0; j < block.output_count; ++j) output[j] = flat[block.order[j]];
}
