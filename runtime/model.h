// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_model.
#pragma once

#include "../kernels/table.h"
#include "blob.h"
#include "region.h"
#include "tickmlp.h"

namespace tickmlp {

inline constexpr uint32_t kMaxBlocks = kMaxHeads / 4;

// Four heads side by side for layer 2: filled from network.head, network.start2 and `heads`.
struct HeadBlocks {
  HeadBlock block[kMaxBlocks];
  alignas(64) float start[kMaxBlocks * kMaxHeadOutputs * 4];
};
void bind_head_blocks(const Head* head, uint32_t heads, const float* start2, HeadBlocks* out);

// Layer 1 cut into tiles [kMaxTiles], and these where a head ends into strips [kMaxStrips], for the network to point
// at. Load time: looks at the weights, and needs everything else of the network.
inline constexpr uint32_t kMaxTiles = kMaxLanes / kGroup / kTileGroups;
inline constexpr uint32_t kMaxStrips = kMaxHeads + kMaxTiles;
void bind_strips(Network& network, ElementType type, Strip* tiles, Strip* strips);

}  // namespace tickmlp

// One block from the caller's allocator, 64-byte aligned: this struct, then group_clamp. Read-only after loading.
struct tickmlp_model {
  tickmlp_allocator allocator;
  tickmlp::Region region;
  tickmlp::BlobPlan plan;
  const tickmlp::Kernel* kernel;
  tickmlp::Network network;
  tickmlp::Head heads[tickmlp::kMaxHeads];
  tickmlp_model_info info;
  tickmlp::HeadBlocks head_blocks;
  tickmlp::Strip tiles[tickmlp::kMaxTiles];
  tickmlp::Strip strips[tickmlp::kMaxStrips];
  float* group_clamp;
  void* allocation;  // what the allocator gave

  const tickmlp::BlobHeader& header() const { return *reinterpret_cast<const tickmlp::BlobHeader*>(region.bytes); }
  const tickmlp::BlobHead* head_records() const {
    return reinterpret_cast<const tickmlp::BlobHead*>(region.bytes + sizeof(tickmlp::BlobHeader));
  }
};

namespace tickmlp {

// model.info from everything else of a model.
void fill_info(tickmlp_model& model);

// Rounded up to whole cache lines.
constexpr size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

inline bool is_float_aligned(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % alignof(float) == 0; }

// `bytes` zeroed bytes, 64-byte aligned, from the allocator; *allocation is what to release. nullptr: no memory.
void* allocate_lines(const tickmlp_allocator& allocator, size_t bytes, void** allocation);

// Bytes of scratch for one network, and the workspace laid over such a block (64-byte aligned).
size_t workspace_bytes(const Network& network);
Workspace make_workspace(const Network& network, void* memory);

// The same for a batch: as many states as fit 1 MiB, at most kMaxBatchStates; beside `one`, which it keeps.
size_t batch_workspace_bytes(const Network& network);
BatchWorkspace make_batch_workspace(const Network& network, const Workspace& one, void* memory);

// A copy of the options, or the defaults for NULL. Error: BAD_ARGUMENT.
tickmlp_status read_session_options(const tickmlp_session_options* given, tickmlp_session_options* options,
                                    tickmlp_error* error);

}  // namespace tickmlp
