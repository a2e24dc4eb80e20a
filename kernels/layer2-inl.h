// SPDX-License-Identifier: Apache-2.0
// Layer 2 up to its virtual lanes, shared by float32 and int8; heads-inl.h goes on from there. A template over an
// instruction set.
//
// Included without a guard into the namespace of each instruction set, which brings its vectors as a struct `Isa`:
//   Register, kLanes          a GCC vector of floats, with + - * /
//   load, store, all(value)   aligned
//   fma(a, b, c)              a * b + c, rounded once
//   maximum(a, b)             a > b ? a : b
//   where_less(a, b, yes, no) lane by lane
//   times_power_of_two(p, t)  p * 2^n of t = n + 1.5 * 2^23, where it is a normal number: n added to the exponent
//   finite(v, start)          every lane is, where start is not -infinity
//   fold(a, b, c, d, four)    sixteen virtual lanes of each of four heads to four of each, head by head
//   zip_low, zip_high(a, b)   of each 128 bits: a0 b0 a1 b1, a2 b2 a3 b3
//   join_low, join_high(a, b) of each 128 bits: a0 a1 b0 b1, a2 a3 b2 b3
//   spread<k>(v)              of each 128 bits: vk vk vk vk
//   place(results, block, output)  four heads by four outputs of a small block to the model's outputs

template <class Isa>
struct Layer2 {
  using Vector = typename Isa::Register;
  static constexpr uint32_t kWidth = Isa::kLanes;
  static constexpr uint32_t kParts = kGroup / kWidth;  // registers of one group, and of four heads by four outputs

  struct Sixteen {
    Vector part[kParts];
  };
  static Sixteen load(const float* values) {
    Sixteen v;
    for (uint32_t p = 0; p < kParts; ++p) v.part[p] = Isa::load(values + p * kWidth);
    return v;
  }
  static Sixteen zero() {
    Sixteen v;
    for (uint32_t p = 0; p < kParts; ++p) v.part[p] = Isa::all(0.0f);
    return v;
  }
  static void store(const Sixteen& v, float* to) {
    for (uint32_t p = 0; p < kParts; ++p) Isa::store(v.part[p], to + p * kWidth);
  }

  // One strip's share of its head's layer 2, kRegisters registers of activations: a chain of fused multiply-adds for
  // each virtual lane and output, which the head's first strip begins and the next ones continue.
  template <uint32_t kRegisters>
  static void layer2(const Strip& strip, const Vector (&activation)[kRegisters], float* all_sums) {
    const float* row = strip.w2;
    for (uint32_t k = 0; k < strip.outputs; ++k, row += strip.w2_stride) {
      float* const at = all_sums + strip.sums + sums_offset(k);
      Sixteen sum = strip.first ? zero() : load(at);
#pragma GCC unroll 32
      for (uint32_t r = 0; r < kRegisters; ++r)
        sum.part[r % kParts] = Isa::fma(activation[r], Isa::load(row + r * kWidth), sum.part[r % kParts]);
      store(sum, at);
    }
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
    for (uint32_t k = 0; k < kCount; ++k) sum[k] = strip.first ? zero() : load(sums + k * kGroup);
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
};
