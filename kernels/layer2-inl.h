// SPDX-License-Identifier: Apache-2.0
// Layer 2 straight from the registers of layer 1. Included without a guard into the namespace of each instruction set,
// which brings its vectors as a struct `Ops`: Vector, kLanes, zero(), load(), store(), fma(a, b, c) = a * b + c.
//
// Each virtual lane of each output is a chain of fused multiply-adds over its head's groups, in their order: the head's
// first strip begins it and the next ones continue, with Workspace::sums in between.

// One strip. kRegisters registers hold its groups' activations.
template <class Ops, uint32_t kRegisters>
static inline __attribute__((always_inline)) void layer2_of_strip(const Strip& strip,
                                                                  const typename Ops::Vector (&activation)[kRegisters],
                                                                  float* sums) {
  constexpr uint32_t kParts = kGroup / Ops::kLanes;
  const float* row = strip.w2;
  for (uint32_t k = 0; k < strip.outputs; ++k, row += strip.w2_stride) {
    float* const at = sums + strip.sums + sums_offset(k);
    typename Ops::Vector sum[kParts];
    for (uint32_t p = 0; p < kParts; ++p) sum[p] = strip.first ? Ops::zero() : Ops::load(at + p * Ops::kLanes);
#pragma GCC unroll 32
    for (uint32_t r = 0; r < kRegisters; ++r)
      sum[r % kParts] = Ops::fma(activation[r], Ops::load(row + r * Ops::kLanes), sum[r % kParts]);
    for (uint32_t p = 0; p < kParts; ++p) Ops::store(sum[p], at + p * Ops::kLanes);
  }
}

// A whole tile that is the model's only one, a register a group, of heads with at most kOutputs outputs; one that a head
// lacks is done with its first row, and is not one of the logits. Where a head ends is known at run time only, so every
// group asks. The answers are always the same, and cost little beside a way through memory (Zen 4, tactical: 30 ns of an
// inference).
template <class Ops, uint32_t kOutputs, uint32_t kGroups>
static inline __attribute__((always_inline)) void layer2_of_tile(const Strip* strip, uint32_t ends,
                                                                 const typename Ops::Vector (&activation)[kGroups],
                                                                 float* sums) {
  static_assert(Ops::kLanes == kGroup);
  typename Ops::Vector sum[kOutputs];
#pragma GCC unroll 4
  for (uint32_t k = 0; k < kOutputs; ++k) sum[k] = Ops::zero();
#pragma GCC unroll 16
  for (uint32_t g = 0; g < kGroups; ++g) {
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kOutputs; ++k)
      sum[k] = Ops::fma(activation[g], Ops::load(strip->row[k] + g * kGroup), sum[k]);
    if ((ends >> g & 1) == 0) continue;
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kOutputs; ++k) {
      Ops::store(sum[k], sums + k * kGroup);
      sum[k] = Ops::zero();
    }
    ++strip;
    sums += 4 * kGroup;  // the next head
  }
}
