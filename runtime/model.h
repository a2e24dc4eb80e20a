// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_model.
#pragma once

#include "../kernels/table.h"
#include "blob.h"
#include "region.h"
#include "tickmlp.h"

// One block from the caller's allocator: this struct, then group_clamp. Read-only after loading.
struct tickmlp_model {
  tickmlp_allocator allocator;
  tickmlp::Region region;
  tickmlp::BlobPlan plan;
  const tickmlp::Kernel* kernel;
  tickmlp::Network network;
  tickmlp::Head heads[tickmlp::kMaxHeads];
  tickmlp_model_info info;
  float* group_clamp;

  const tickmlp::BlobHeader& header() const { return *reinterpret_cast<const tickmlp::BlobHeader*>(region.bytes); }
  const tickmlp::BlobHead* head_records() const {
    return reinterpret_cast<const tickmlp::BlobHead*>(region.bytes + sizeof(tickmlp::BlobHeader));
  }
};

namespace tickmlp {

// Bytes of scratch for one network, and the workspace laid over such a block (64-byte aligned).
size_t workspace_bytes(const Network& network);
Workspace make_workspace(const Network& network, void* memory);

}  // namespace tickmlp
