// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>

#include "model.h"

namespace tickmlp {
namespace {

struct Sizes {
  size_t codes, hidden, logits, sums;
};

// The codes get room for whole vectors beyond the last input.
Sizes sizes_of(const Network& network) {
  size_t logits = 0;
  for (uint32_t b = 0; b < (network.heads + 3) / 4; ++b) logits += 4 * round_up(network.block[b].outputs, 4);
  return {whole_lines(2 * round_up(network.inputs, 64)) + 64, network.groups * size_t{64},
          whole_lines(logits * sizeof(float)), logits * kGroup * sizeof(float)};
}

}  // namespace

void* allocate_lines(const tickmlp_allocator& allocator, size_t bytes, void** allocation) {
  *allocation = allocator.allocate(allocator.context, bytes + 63);
  if (*allocation == nullptr) return nullptr;
  std::memset(*allocation, 0, bytes + 63);  // prefaults it, and gives the kernels' padding its zeros
  return reinterpret_cast<void*>(whole_lines(reinterpret_cast<uintptr_t>(*allocation)));
}

size_t workspace_bytes(const Network& network) {
  const Sizes sizes = sizes_of(network);
  return sizes.codes + sizes.hidden + sizes.logits + sizes.sums;
}

Workspace make_workspace(const Network& network, void* memory) {
  const Sizes sizes = sizes_of(network);
  auto* next = static_cast<uint8_t*>(memory);
  Workspace workspace = {};
  workspace.codes = next;
  workspace.hidden = reinterpret_cast<float*>(next += sizes.codes);
  workspace.logits = reinterpret_cast<float*>(next += sizes.hidden);
  workspace.sums = reinterpret_cast<float*>(next += sizes.logits);
  return workspace;
}

namespace {

// Codes and hidden activations of one state of a batch. The codes' extra line makes their stride an odd number of
// lines, so that the same input of neighbouring states falls into different sets of the cache.
size_t batch_state_bytes(const Network& network) { return sizes_of(network).codes + sizes_of(network).hidden; }

size_t batch_logits_bytes(const Network& network) { return network.outputs * kGroup * sizeof(float); }

// Whole blocks of eight states, in at most 1 MiB: the largest model takes 24, or 16 with all outputs that there can be.
uint32_t batch_states(const Network& network) {
  const size_t fitting = ((size_t{1} << 20) - batch_logits_bytes(network)) / batch_state_bytes(network) / 8 * 8;
  return fitting < kMaxBatchStates ? static_cast<uint32_t>(fitting) : kMaxBatchStates;
}

}  // namespace

size_t batch_workspace_bytes(const Network& network) {
  return batch_states(network) * batch_state_bytes(network) + batch_logits_bytes(network);
}

BatchWorkspace make_batch_workspace(const Network& network, const Workspace& one, void* memory) {
  BatchWorkspace workspace = {};
  workspace.states = batch_states(network);
  workspace.codes_stride = sizes_of(network).codes;
  workspace.codes = static_cast<uint8_t*>(memory);
  uint8_t* const hidden = workspace.codes + workspace.states * workspace.codes_stride;
  workspace.hidden = reinterpret_cast<float*>(hidden);
  workspace.logits = reinterpret_cast<float*>(hidden + workspace.states * sizes_of(network).hidden);
  workspace.one = one;
  return workspace;
}

void bind_head_blocks(const Head* head, uint32_t heads, const float* start2, HeadBlocks* out) {
  float* start = out->start;
  for (uint32_t b = 0; b < (heads + 3) / 4; ++b, head += 4) {
    HeadBlock& block = out->block[b];
    const uint32_t present = heads - 4 * b < 4 ? heads - 4 * b : 4;
    block = HeadBlock{};
    block.start = start;
    for (uint32_t h = 0; h < present; ++h) {
      block.outputs = block.outputs > head[h].outputs ? block.outputs : head[h].outputs;
      for (uint32_t k = 0; k < 4; ++k) {
        block.softmax[4 * h + k] = head[h].softmax ? 1.0f : 0.0f;
        const bool real = k < head[h].outputs;
        if (real && block.output_count + k < 16) block.order[block.output_count + k] = static_cast<int32_t>(4 * h + k);
      }
      block.output_count += head[h].outputs;
    }
    for (uint32_t first = 0; first < block.outputs; first += 4)
      for (uint32_t h = 0; h < 4; ++h)
        for (uint32_t k = first; k < first + 4; ++k)
          *start++ = h < present && k < head[h].outputs ? start2[head[h].output_begin + k] : -INFINITY;
    std::memcpy(block.small_start, block.start, sizeof block.small_start);
  }
}

}  // namespace tickmlp
