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

template <typename Visit>
void for_each_group(const Network& network, uint32_t steps, Visit visit) {
  const uint32_t tiles = tile_count(network.groups);
  size_t tile_begin = 0;
  uint32_t group = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t width = tile_groups(network.groups, tiles, tile);
    for (uint32_t g = 0; g < width; ++g) visit(group++, GroupWeights{tile_begin + g, width});
    tile_begin += static_cast<size_t>(width) * steps;
  }
}

}  // namespace

float exp32(float x) {
  if (x < -87.0f) return 0.0f;
  const float t = std::fma(x, 0x1.715476p+0f, 12582912.0f);
  const float k = t - 12582912.0f;
  float r = std::fma(k, -0x1.62e430p-1f, x);
  r = std::fma(k, 0x1.05c610p-29f, r);
  float p = 0x1.6a23cep-10f;
  p = std::fma(p, r, 0x1.123a20p-7f);
  p = std::fma(p, r, 0x1.5558f2p-5f);
  p = std::fma(p, r, 0x1.555492p-3f);
  p = std::fma(p, r, 0x1.fffffcp-2f);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  uint32_t bits;
  std::memcpy(&bits, &t, 4);
  bits = (bits + 127u) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return p * power;
}

Outcome finish(const Network& network, Workspace& workspace, float* outputs) {
  for (uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    const float* hidden = workspace.hidden + head.group_begin * kGroup;
    for (uint32_t k = 0; k < head.outputs; ++k) {
      const float* row = head.w2 + static_cast<size_t>(k) * head.groups * kGroup;
      float s[kGroup] = {};
      for (uint32_t j = 0; j < head.groups * kGroup; ++j) s[j % kGroup] = std::fma(hidden[j], row[j], s[j % kGroup]);
      for (uint32_t half = kGroup / 2; half > 0; half /= 2)
        for (uint32_t l = 0; l < half; ++l) s[l] += s[l + half];
      workspace.logits[head.output_begin + k] = s[0] + network.start2[head.output_begin + k];
    }
  }
  if (!all_finite(workspace.logits, network.outputs)) return Outcome::kNonFiniteOutput;
  for (uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    const float* logit = workspace.logits + head.output_begin;
    float* output = outputs + head.output_begin;
    if (!head.softmax) {
      std::memcpy(output, logit, head.outputs * sizeof(float));
      continue;
    }
    float m = logit[0];
    for (uint32_t k = 1; k < head.outputs; ++k) m = logit[k] > m ? logit[k] : m;
    float sum = 0.0f;
    for (uint32_t k = 0; k < head.outputs; ++k) {
      output[k] = exp32(logit[k] - m);
      sum = k == 0 ? output[k] : sum + output[k];
    }
    for (uint32_t k = 0; k < head.outputs; ++k) output[k] = output[k] / sum;
  }
  return Outcome::kDone;
}

namespace {

// Layer 1 over inputs begin .. end - 1, of which `input` is the first, from `from` [lanes] to `to` [lanes].
void chain_float32(const Network& network, const float* input, uint32_t begin, uint32_t end, const float* from,
                   float* to) {
  const auto* w1 = static_cast<const float*>(network.w1);
  for_each_group(network, network.inputs, [&](uint32_t group, GroupWeights weights) {
    for (uint32_t lane = group * kGroup; lane < (group + 1) * kGroup; ++lane) {
      float a = from[lane];
      for (uint32_t i = begin; i < end; ++i)
        a = std::fma(input[i - begin], w1[(weights.first + i * weights.stride) * kGroup + lane % kGroup], a);
      to[lane] = a;
    }
  });
}

void chain_int8(const Network& network, const uint8_t* codes, uint32_t begin, uint32_t end, const int32_t* from,
                int32_t* to) {
  const auto* w1 = static_cast<const int8_t*>(network.w1);
  for_each_group(network, (network.inputs + 3) / 4, [&](uint32_t group, GroupWeights weights) {
    for (uint32_t lane = group * kGroup; lane < (group + 1) * kGroup; ++lane) {
      int32_t acc = from[lane];
      for (uint32_t i = begin; i < end; ++i)
        acc += codes[i - begin] * w1[((weights.first + i / 4 * weights.stride) * kGroup + lane % kGroup) * 4 + i % 4];
      to[lane] = acc;
    }
  });
}

void quantise_all(const Network& network, const float* input, uint32_t begin, uint32_t end, Workspace& workspace) {
  workspace.clipped = 0;
  for (uint32_t i = begin; i < end; ++i)
    workspace.codes[i - begin] = quantise(input[i - begin], network.input_scale[i], workspace.clipped);
}

Outcome advance_float32(const Network& network, const float* input, uint32_t end, Workspace&, void* kept) {
  if (!all_finite(input, end)) return Outcome::kNonFiniteInput;
  chain_float32(network, input, 0, end, static_cast<const float*>(network.start), static_cast<float*>(kept));
  return Outcome::kDone;
}

Outcome tick_float32(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                     float* output) {
  if (!all_finite(row, network.inputs - begin)) return Outcome::kNonFiniteInput;
  chain_float32(network, row, begin, network.inputs, static_cast<const float*>(kept), workspace.hidden);
  for (uint32_t lane = 0; lane < network.groups * kGroup; ++lane)
    workspace.hidden[lane] = clamp(workspace.hidden[lane], network.group_clamp[lane / kGroup]);
  return finish(network, workspace, output);
}

Outcome infer_float32(const Network& network, const float* input, Workspace& workspace, float* output) {
  return tick_float32(network, input, 0, workspace, network.start, output);
}

Outcome advance_int8(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept) {
  if (!all_finite(input, end)) return Outcome::kNonFiniteInput;
  quantise_all(network, input, 0, end, workspace);
  chain_int8(network, workspace.codes, 0, end, static_cast<const int32_t*>(network.start), static_cast<int32_t*>(kept));
  return Outcome::kDone;
}

Outcome tick_int8(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                  float* output) {
  if (!all_finite(row, network.inputs - begin)) return Outcome::kNonFiniteInput;
  quantise_all(network, row, begin, network.inputs, workspace);
  // The sums go where the activations will: both are 32 bits a lane, and each is read before it is overwritten.
  auto* sums = reinterpret_cast<int32_t*>(workspace.hidden);
  chain_int8(network, workspace.codes, begin, network.inputs, static_cast<const int32_t*>(kept), sums);
  for (uint32_t lane = 0; lane < network.groups * kGroup; ++lane) {
    int32_t sum;
    std::memcpy(&sum, sums + lane, sizeof sum);
    workspace.hidden[lane] =
        clamp(static_cast<float>(sum) * network.lane_scale[lane], network.group_clamp[lane / kGroup]);
  }
  return finish(network, workspace, output);
}

Outcome infer_int8(const Network& network, const float* input, Workspace& workspace, float* output) {
  return tick_int8(network, input, 0, workspace, network.start, output);
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

extern const Functions int8 = {
    .infer = infer_int8, .advance = advance_int8, .tick = tick_int8, .batch = batch<infer_int8>};
extern const Functions float32 = {
    .infer = infer_float32, .advance = advance_float32, .tick = tick_float32, .batch = batch<infer_float32>};

}  // namespace tickmlp::scalar
