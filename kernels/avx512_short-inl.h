// SPDX-License-Identifier: Apache-2.0
// A stretch of at most 16 inputs of a model that is one tile, a tick or a small model, from layer 1 to the outputs.
// Included without a guard, after avx512-inl.h.
//
// Heads with a softmax go first, and the others while the softmax of those waits for itself; a head takes only the
// inputs that it reads. What bounds it is counted in docs/PERFORMANCE.md: a line of weights a cycle, then the chain.
//
// `Source` brings layer 1: layer1<kGroups>(head, sum), before the clamp, of all groups of one head.

// Layer 1, scale, clamp, and the virtual lanes of layer 2 of one head of kGroups groups.
template <uint32_t kOutputs, uint32_t kGroups, class Source>
static inline __attribute__((always_inline)) void add_groups(const Source& source, const ShortHead& head,
                                                             __m512 (&sum)[4]) {
  __m512 activation[kGroups];
  source.template layer1<kGroups>(head, activation);
  const __m512 high = _mm512_set1_ps(head.clamp);
#pragma GCC unroll 4
  for (uint32_t g = 0; g < kGroups; ++g)
    activation[g] = _mm512_min_ps(_mm512_max_ps(activation[g], _mm512_setzero_ps()), high);
#pragma GCC unroll 4
  for (uint32_t k = 0; k < kOutputs; ++k)
#pragma GCC unroll 4
    for (uint32_t g = 0; g < kGroups; ++g)
      sum[k] = _mm512_fmadd_ps(activation[g], _mm512_load_ps(head.row[k] + g * kGroup), sum[k]);
}

template <uint32_t kOutputs, class Source>
static inline __attribute__((always_inline)) void add_head(const Source& source, const ShortHead& head,
                                                           __m512 (&sum)[4]) {
  if (head.groups == 4) [[likely]]
    add_groups<kOutputs, 4>(source, head, sum);
  else if (head.groups == 2) add_groups<kOutputs, 2>(source, head, sum);
  else if (head.groups == 1) add_groups<kOutputs, 1>(source, head, sum);
  else add_groups<kOutputs, 3>(source, head, sum);
}

// The tree over sixteen virtual lanes, adding l + 8, l + 4, l + 2 and l + 1: the sum in all lanes.
static inline __attribute__((always_inline)) __m512 tree(__m512 v) {
  v = v + _mm512_shuffle_f32x4(v, v, 0x4E);
  v = v + _mm512_shuffle_f32x4(v, v, 0xB1);
  v = v + _mm512_permute_ps(v, 0x4E);
  return v + _mm512_permute_ps(v, 0xB1);
}

template <uint32_t kOutputs, class Source>
static inline __attribute__((always_inline)) Outcome short_heads(const Network& network, const Source& source,
                                                                 float* output) {
  using Block = Heads<Avx512>;
  const HeadBlock& block = network.block[0];
  const __m512 start = _mm512_load_ps(block.small_start);
  __m512 sum[4][4];
#pragma GCC unroll 4
  for (uint32_t h = 0; h < 4; ++h) {
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 4; ++k) sum[h][k] = _mm512_setzero_ps();
    if (network.softmax_heads >> h & 1) add_head<kOutputs>(source, network.short_head[h], sum[h]);
  }
  Block::Sixteen four[4];
#pragma GCC unroll 4
  for (uint32_t k = 0; k < kOutputs; ++k) {
    const __m512 a[1] = {sum[0][k]}, b[1] = {sum[1][k]}, c[1] = {sum[2][k]}, d[1] = {sum[3][k]};
    Avx512::fold(a, b, c, d, four[k].part);
  }
  const __m512 logit = Block::logits_of<kOutputs>(four, block.small_start).part[0];
  __m512 value = logit;
  for (uint32_t heads = network.other_heads; heads != 0; heads &= heads - 1) {
    const auto h = static_cast<uint32_t>(__builtin_ctz(heads));
    const ShortHead& head = network.short_head[h];
    __m512 other[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    if (head.outputs == 1) add_head<1>(source, head, other);
    else add_head<kOutputs>(source, head, other);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < kOutputs; ++k)
      if (k < head.outputs)
        value = _mm512_mask_add_ps(value, static_cast<__mmask16>(1u << k << 4 * h), tree(other[k]), start);
  }
  if (!Avx512::finite(value, start)) return Outcome::kNonFiniteOutput;
  const __m512 result[1] = {Block::softmax<kOutputs>(block, 0, logit, value)};
  Avx512::place(result, block, output);
  return Outcome::kDone;
}

static inline __attribute__((always_inline)) __mmask16 below(uint32_t count) {
  return static_cast<__mmask16>((1u << (count < 16 ? count : 16)) - 1);
}

// Up to 16 inputs, those outside the mask 0. Masked lanes of a load cannot fault, but a load waits for every cache line
// that it spans, the masked part too. So a tick's seven features are taken with half a vector: 120 ns less in one tick
// of ten where what follows the row is cold.
static inline __attribute__((always_inline)) __m512 load_short(const float* input, __mmask16 inside, uint32_t count) {
  return count <= 8 ? _mm512_zextps256_ps512(_mm256_maskz_loadu_ps(static_cast<__mmask8>(inside), input))
                    : _mm512_maskz_loadu_ps(inside, input);
}

static inline __attribute__((always_inline)) bool any_not_finite(__m512 v) {
  return _mm512_fpclass_ps_mask(v, 0x99) != 0;  // NaNs and infinities
}
