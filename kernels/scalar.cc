// SPDX-License-Identifier: Apache-2.0
#include "scalar.h"

#include <cmath>
#include <cstring>

namespace tickmlp::scalar {
namespace {

bool all_finite(const float* values, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

float clamp(float a, float high) {
  const float t = a > 0.0f ? a : 0.0f;
  return t < high ? t : high;
}

// Section 2: the code of one input, 1 .. 255.
uint8_t quantise(float x, float scale, uint64_t& clipped) {
  float p = x * scale;
  clipped += p < -127.0f || p > 127.0f;
  p = p > -127.0f ? p : -127.0f;
  p = p < 127.0f ? p : 127.0f;
  return static_cast<uint8_t>(static_cast<int>(std::nearbyint(p)) + 128);
}

// Section 1 or 2 for one group of 16 lanes: where its tile's weights begin, and how far one step of them reaches.
struct GroupWeights {
  size_t first;   // in 16-lane records from the start of w1
  size_t stride;  // records from one input (float32) or quad of inputs (int8) to the next
};

struct Groups {
  uint32_t begin, end;
};
Groups all_groups(const Network& network) { return {0, network.groups}; }

template <typename Visit>
void for_each_group(const Network& network, Groups groups, uint32_t steps, Visit visit) {
  const uint32_t tiles = tile_count(network.groups);
  size_t tile_begin = 0;
  uint32_t group = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    for (uint32_t g = 0; g < width; ++g, ++group)
      if (group >= groups.begin && group < groups.end) visit(group, GroupWeights{tile_begin + g, width});
    tile_begin += static_cast<size_t>(width) * steps;
  }
}

// Layer 1 over inputs begin .. end - 1, of which `input` is the first, from `from` [lanes] to `to` [lanes].
void chain_float32(const Network& network, Groups groups, const float* input, uint32_t begin, uint32_t end,
                   const float* from, float* to) {
  const auto* w1 = static_cast<const float*>(network.w1);
  for_each_group(network, groups, network.inputs, [&](uint32_t group, GroupWeights weights) {
    for (uint32_t lane = group * kGroup; lane < (group + 1) * kGroup; ++lane) {
      float a = from[lane];
      for (uint32_t i = begin; i < end; ++i)
        a = std::fma(input[i - begin], w1[(weights.first + i * weights.stride) * kGroup + lane % kGroup], a);
      to[lane] = a;
    }
  });
}

void chain_int8(const Network& network, Groups groups, const uint8_t* codes, uint32_t begin, uint32_t end,
                const int32_t* from, int32_t* to) {
  const auto* w1 = static_cast<const int8_t*>(network.w1);
  for_each_group(network, groups, (network.inputs + 3) / 4, [&](uint32_t group, GroupWeights weights) {
    for (uint32_t lane = group * kGroup; lane < (group + 1) * kGroup; ++lane) {
      int32_t acc = from[lane];
      for (uint32_t i = begin; i < end; ++i)
        acc += codes[i - begin] * w1[((weights.first + i / 4 * weights.stride) * kGroup + lane % kGroup) * 4 + i % 4];
      to[lane] = acc;
    }
  });
}

void activate_float32(const Network& network, Groups groups, float* hidden) {
  for (uint32_t lane = groups.begin * kGroup; lane < groups.end * kGroup; ++lane)
    hidden[lane] = clamp(hidden[lane], network.group_clamp[lane / kGroup]);
}

// The sums lie where the activations go: both are 32 bits a lane, and each is read before it is overwritten.
void activate_int8(const Network& network, Groups groups, float* hidden) {
  for (uint32_t lane = groups.begin * kGroup; lane < groups.end * kGroup; ++lane) {
    int32_t sum;
    std::memcpy(&sum, hidden + lane, sizeof sum);
    hidden[lane] = clamp(static_cast<float>(sum) * network.lane_scale[lane], network.group_clamp[lane / kGroup]);
  }
}

void quantise_all(const Network& network, const float* input, uint32_t begin, uint32_t end, uint8_t* codes,
                  uint64_t* clipped) {
  *clipped = 0;
  for (uint32_t i = begin; i < end; ++i)
    codes[i - begin] = quantise(input[i - begin], network.input_scale[i], *clipped);
}

Outcome advance_float32(const Network& network, const float* input, uint32_t end, Workspace&, void* kept) {
  if (!all_finite(input, end)) return Outcome::kNonFiniteInput;
  chain_float32(network, all_groups(network), input, 0, end, static_cast<const float*>(network.start),
                static_cast<float*>(kept));
  return Outcome::kDone;
}

Outcome tick_float32(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                     float* output) {
  if (!all_finite(row, network.inputs - begin)) return Outcome::kNonFiniteInput;
  chain_float32(network, all_groups(network), row, begin, network.inputs, static_cast<const float*>(kept),
                workspace.hidden);
  activate_float32(network, all_groups(network), workspace.hidden);
  return finish(network, workspace, output);
}

Outcome infer_float32(const Network& network, const float* input, Workspace& workspace, float* output) {
  return tick_float32(network, input, 0, workspace, network.start, output);
}

Outcome advance_int8(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
  if (!all_finite(input, end)) return Outcome::kNonFiniteInput;
  quantise_all(network, input, 0, end, workspace.codes, &workspace.clipped);
  chain_int8(network, all_groups(network), workspace.codes, 0, end, static_cast<const int32_t*>(network.start),
             static_cast<int32_t*>(kept));
  return Outcome::kDone;
}

Outcome tick_int8(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                  float* output) {
  if (!all_finite(row, network.inputs - begin)) return Outcome::kNonFiniteInput;
  quantise_all(network, row, begin, network.inputs, workspace.codes, &workspace.clipped);
  chain_int8(network, all_groups(network), workspace.codes, begin, network.inputs, static_cast<const int32_t*>(kept),
             reinterpret_cast<int32_t*>(workspace.hidden));
  activate_int8(network, all_groups(network), workspace.hidden);
  return finish(network, workspace, output);
}

Outcome infer_int8(const Network& network, const float* input, Workspace& workspace, float* output) {
  return tick_int8(network, input, 0, workspace, network.start, output);
}

// Section 9: one changed input's share of every sum. Unsigned: a partial sum may leave int32; the last one does not.
void correct_int8(const Network& network, uint32_t input, int32_t difference, int32_t* sums) {
  const auto* w1 = static_cast<const int8_t*>(network.w1);
  for_each_group(network, all_groups(network), (network.inputs + 3) / 4, [&](uint32_t group, GroupWeights weights) {
    const int8_t* w = w1 + (weights.first + input / 4 * weights.stride) * kGroup * 4 + input % 4;
    for (uint32_t l = 0; l < kGroup; ++l) {
      int32_t& sum = sums[group * kGroup + l];
      sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(difference * w[4 * l]));
    }
  });
}

Outcome update_int8(const Network& network, const uint32_t* indices, const float* values, uint32_t count,
                    Workspace& workspace, SparseState& state, float* output) {
  if (!all_finite(values, count)) return Outcome::kNonFiniteInput;
  workspace.clipped = 0;
  std::memcpy(workspace.codes, state.codes, network.inputs);
  std::memcpy(state.next_sums, state.sums, network.groups * kGroup * sizeof(int32_t));
  for (uint32_t k = 0; k < count; ++k) {
    uint8_t& code = workspace.codes[indices[k]];
    const uint8_t now = quantise(values[k], network.input_scale[indices[k]], workspace.clipped);
    correct_int8(network, indices[k], now - code, state.next_sums);
    code = now;
  }
  std::memcpy(workspace.hidden, state.next_sums, network.groups * kGroup * sizeof(int32_t));
  activate_int8(network, all_groups(network), workspace.hidden);
  const Outcome outcome = output != nullptr ? finish(network, workspace, output) : Outcome::kDone;
  if (outcome != Outcome::kDone) return outcome;
  std::memcpy(state.codes, workspace.codes, network.inputs);
  std::memcpy(state.sums, state.next_sums, network.groups * kGroup * sizeof(int32_t));
  return outcome;
}

// The full path in three parts, the third being finish.
Outcome encode_int8(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  *clipped = 0;
  if (!all_finite(input, network.inputs)) return Outcome::kNonFiniteInput;
  quantise_all(network, input, 0, network.inputs, static_cast<uint8_t*>(codes), clipped);
  return Outcome::kDone;
}

Outcome encode_float32(const Network& network, const float* input, void* codes, uint64_t* clipped) {
  *clipped = 0;
  if (!all_finite(input, network.inputs)) return Outcome::kNonFiniteInput;
  std::memcpy(codes, input, network.inputs * sizeof(float));
  return Outcome::kDone;
}

void lanes_int8(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool, float* hidden) {
  chain_int8(network, {begin, end}, static_cast<const uint8_t*>(codes), 0, network.inputs,
             static_cast<const int32_t*>(network.start), reinterpret_cast<int32_t*>(hidden));
  activate_int8(network, {begin, end}, hidden);
}

void lanes_float32(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool, float* hidden) {
  chain_float32(network, {begin, end}, static_cast<const float*>(codes), 0, network.inputs,
                static_cast<const float*>(network.start), hidden);
  activate_float32(network, {begin, end}, hidden);
}

// A batch is one state after another.
template <InferFunction infer>
BatchResult batch(const Network& network, const float* inputs, uint32_t states, BatchWorkspace& workspace,
                  float* outputs) {
  BatchResult result = {0, Outcome::kDone, 0};
  for (; result.done < states; ++result.done) {
    const float* input = inputs + size_t{result.done} * network.inputs;
    result.outcome = infer(network, input, workspace.one, outputs + size_t{result.done} * network.outputs);
    if (result.outcome != Outcome::kDone) break;
    result.clipped += workspace.one.clipped;
  }
  return result;
}

}  // namespace

bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to) {
  bool finite = true;
  for (uint32_t i = 0; i < count; ++i) {
    finite &= std::isfinite(input[i]);
    *to = input[i];
    to += kept[i / 8] >> i % 8 & 1;
  }
  return finite;
}

extern const Functions int8 = {.infer = infer_int8,
                               .advance = advance_int8,
                               .tick = tick_int8,
                               .update = update_int8,
                               .encode = encode_int8,
                               .lanes = lanes_int8,
                               .finish = finish,
                               .batch = batch<infer_int8>,
                               .gather = gather};
extern const Functions float32 = {.infer = infer_float32,
                                  .advance = advance_float32,
                                  .tick = tick_float32,
                                  .encode = encode_float32,
                                  .lanes = lanes_float32,
                                  .finish = finish,
                                  .batch = batch<infer_float32>,
                                  .gather = gather};

}  // namespace tickmlp::scalar
