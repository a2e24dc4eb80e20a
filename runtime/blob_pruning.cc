// SPDX-License-Identifier: Apache-2.0
// Inputs that no lane reads: which these are, and that a blob leaves them out if and only if it has to, so that a model
// has one byte string. Those of a window's newest row stay, read or not: to gather a row of seven takes 20 ns of a tick
// of 71, and their weights of zero take 1 % of a full inference.
#include "../kernels/contract.h"
#include "blob.h"
#include "error.h"

namespace tickmlp {
namespace {

// Which rows of w1 hold a weight. A step of layer 1 is a word a lane: one float32, or four int8 of neighbouring inputs.
struct Rows {
  uint32_t word[kMaxInputs];
  bool int8;

  bool has_weight(uint32_t row) const { return int8 ? (word[row / 4] >> row % 4 * 8 & 0xFF) != 0 : word[row] != 0; }
};

void find_rows(const uint8_t* bytes, const BlobPlan& plan, Rows* rows) {
  const uint32_t groups = plan.lanes / kGroup, tiles = tile_count(groups);
  const uint32_t steps = rows->int8 ? (plan.stored_inputs + 3) / 4 : plan.stored_inputs;
  const auto* weights = reinterpret_cast<const uint32_t*>(bytes + plan.w1.begin);
  for (uint32_t step = 0; step < steps; ++step) rows->word[step] = 0;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint32_t lanes = tile_groups(groups, tiles, tile) * kGroup;
    for (uint32_t step = 0; step < steps; ++step, weights += lanes) {
      uint32_t any = 0;  // no early exit, so that the compiler makes vectors of it
      for (uint32_t lane = 0; lane < lanes; ++lane) any |= weights[lane];
      rows->word[step] |= any;
    }
  }
}

// Of inputs that are needed or not: how many are, and how many are not between the first and the last that are.
struct Needs {
  uint32_t count = 0, between = 0, since = 0;  // since: not needed since the last that is
  void add(bool needed) {
    if (needed) {
      between += count != 0 ? since : 0;
      since = 0;
      ++count;
    } else {
      ++since;
    }
  }
};

}  // namespace

tickmlp_status verify_pruning(const uint8_t* bytes, const BlobPlan& plan, tickmlp_error* error) {
  const auto& header = *reinterpret_cast<const BlobHeader*>(bytes);
  const bool pruned = header.layout == kPrunedLayout;
  const uint8_t* kept = bytes + plan.kept.begin;
  Rows rows;
  rows.int8 = header.element_type == TICKMLP_INT8;
  find_rows(bytes, plan, &rows);
  Needs needs;
  for (uint32_t i = 0; i < header.inputs; ++i) {
    const bool newest = i + header.window_columns >= header.inputs;
    const bool stored = !pruned || kept[i / 8] >> i % 8 & 1;
    const bool read = stored && needs.count < plan.stored_inputs && rows.has_weight(pruned ? needs.count : i);
    if (pruned && newest && !stored)
      return fail(error, TICKMLP_BLOB_VALUE, "input %u of the window's newest row is left out; expected it kept", i);
    if (pruned && stored && !newest && !read)
      return fail(error, TICKMLP_BLOB_VALUE, "input %u is kept and has no weight in any lane; expected it pruned", i);
    needs.add(pruned ? stored : read || newest);
  }
  for (uint32_t i = header.inputs; pruned && i % 8 != 0; ++i)
    if (kept[i / 8] >> i % 8 & 1)
      return fail(error, TICKMLP_BLOB_RESERVED, "the kept inputs have a bit for input %u of %u; expected 0", i,
                  header.inputs);
  if (pruned && needs.count != plan.stored_inputs)
    return fail(error, TICKMLP_BLOB_DIMENSION, "the kept inputs have %u bits; kept_inputs says %u", needs.count,
                plan.stored_inputs);
  const uint64_t row_bytes = uint64_t{plan.lanes} * (rows.int8 ? 1 : sizeof(float));
  if (is_stored_pruned(header.inputs, needs.between, row_bytes) != pruned)
    return fail(error, TICKMLP_BLOB_LAYOUT,
                "weight layout is %u; %u of %u inputs lie unread between others that are read, which makes it %u",
                header.layout, needs.between, header.inputs, pruned ? kBlobLayout : kPrunedLayout);
  return TICKMLP_OK;
}

}  // namespace tickmlp
