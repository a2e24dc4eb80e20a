// SPDX-License-Identifier: Apache-2.0
#include "model.h"

namespace tickmlp {
namespace {

struct Sizes {
  size_t codes, hidden, outputs;
};

size_t line(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Each array gets a cache line more than it needs: a kernel may read and write whole vectors up to its padding.
Sizes sizes_of(const Network& network) {
  return {line(2 * round_up(network.inputs, 64)) + 64, network.groups * size_t{64},
          line(4 * size_t{round_up(network.outputs, kGroup)}) + 64};
}

}  // namespace

size_t workspace_bytes(const Network& network) {
  const Sizes sizes = sizes_of(network);
  return sizes.codes + sizes.hidden + 2 * sizes.outputs;
}

Workspace make_workspace(const Network& network, void* memory) {
  const Sizes sizes = sizes_of(network);
  auto* next = static_cast<uint8_t*>(memory);
  Workspace workspace = {};
  workspace.codes = next;
  workspace.hidden = reinterpret_cast<float*>(next += sizes.codes);
  workspace.logits = reinterpret_cast<float*>(next += sizes.hidden);
  workspace.outputs = reinterpret_cast<float*>(next += sizes.outputs);
  return workspace;
}

}  // namespace tickmlp
