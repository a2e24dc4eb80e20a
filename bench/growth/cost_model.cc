// SPDX-License-Identifier: Apache-2.0
#include "growth/cost_model.h"

#include <algorithm>
#include <cmath>

#include "../kernels/contract.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kLine = 64;
constexpr std::uint32_t kQuad = 4;  // inputs in a step of int8; outputs in a pass of layer 2; heads in a block

// What a call goes through, in units of the kernel's figures.
struct Work {
  std::uint32_t inputs = 0, steps = 0, groups = 0;
  std::uint32_t gathered = 0;                                         // inputs looked at, of a pruned model
  std::uint32_t passes = 0;                                           // groups x further four outputs
  std::uint32_t blocks = 0;                                           // further four heads x four outputs
  std::uint64_t layer1_bytes = 0, layer2_bytes = 0, other_bytes = 0;  // other: layer 2's too
};

std::uint32_t ceiling(std::uint32_t value, std::uint32_t unit) { return (value + unit - 1) / unit; }

Work work_of(const Dimensions& model, Path path) {
  const bool int8 = model.type == TICKMLP_INT8;
  Work work;
  const std::uint32_t kept = model.kept_inputs != 0 ? model.kept_inputs : model.inputs;
  work.inputs = path == Path::kTick ? model.window_columns : kept;
  work.gathered = path == Path::kFull && kept < model.inputs ? model.inputs : 0;
  const std::uint32_t begin = kept - work.inputs;
  work.steps = int8 ? ceiling(kept, kQuad) - begin / kQuad : work.inputs;
  for (std::size_t h = 0; h < model.heads.size(); ++h) {
    const std::uint32_t groups = ceiling(model.heads[h].hidden, kGroup);
    work.groups += groups;
    work.passes += groups * (ceiling(model.heads[h].outputs, kQuad) - 1);
    work.layer2_bytes += std::uint64_t{groups} * kLine * model.heads[h].outputs;
  }
  for (std::size_t h = 0; h < model.heads.size(); h += kQuad) {
    std::uint32_t outputs = 0;
    for (std::size_t k = h; k < std::min(h + kQuad, model.heads.size()); ++k)
      outputs = std::max(outputs, model.heads[k].outputs);
    work.blocks += ceiling(outputs, kQuad);
  }
  work.blocks -= 1;  // the first is in the call
  work.layer1_bytes = std::uint64_t{work.steps} * work.groups * kLine;
  // A lane: its start value, its activation, and in int8 its scale. An input: the float, and in int8 scale and code. Of
  // a pruned model every input is read too, and the kept ones are written.
  const std::uint64_t lane_bytes = int8 ? 12 : 8, input_bytes = int8 ? 9 : 4;
  work.other_bytes =
      work.layer2_bytes + work.groups * kGroup * lane_bytes + work.inputs * input_bytes + work.gathered * 4;
  return work;
}

// The largest cache that the working set does not fit into: the one where turning back saves something.
std::uint64_t overflowed_cache(const Caches& caches, std::uint64_t working_set) {
  for (const std::uint64_t bytes : {caches.l3, caches.l2, caches.l1d})
    if (bytes != 0 && working_set > bytes) return bytes;
  return 0;
}

// ns to read a line of a call's working set. Strips are swept from front to back even when their order turns, so only
// whole strips that fit into the cache beside everything else are found again: that share of what turning back can
// save, and never less than the time of a working set that just fits.
double line_of(const CpuProfile& profile, Turn turn, const Work& work, std::uint64_t working_set) {
  const double forward = read_ns_per_line(profile.forward, working_set);
  const std::uint64_t cache = overflowed_cache(profile.caches, working_set);
  if (turn == Turn::kNever || cache == 0) return forward;
  const double turning = read_ns_per_line(profile.turning, working_set);
  if (turn == Turn::kChunks) return turning;
  const std::uint32_t tiles = tile_count(work.groups);
  if (tiles == 1 || cache < work.other_bytes) return forward;
  const std::uint64_t strip = work.layer1_bytes / tiles, found = (cache - work.other_bytes) / strip * strip;
  const double share = static_cast<double>(found) / static_cast<double>(cache);
  const double fits = read_ns_per_line(profile.forward, cache);
  return std::clamp(forward + share * (turning - forward), std::min(fits, forward), forward);
}

double multiply(const KernelCost& kernel, const Work& work) {
  const std::uint32_t tiles = tile_count(work.groups);
  double ns = 0;
  for (std::uint32_t tile = 0; tile < tiles; ++tile)
    ns += work.steps * std::max(kernel.step_ns, tile_groups(work.groups, tiles, tile) * kernel.line_ns);
  return ns;
}

Bound bound_of(const Caches& caches, const Prediction& p) {
  if (p.call_ns + p.lanes_ns + p.blocks_ns + p.gather_ns > p.layer1_ns + p.beyond_l1_ns) return Bound::kOverhead;
  // In L1 the bare read and the multiply-adds take about as long; arithmetic is the bound where it is clearly longer.
  if (p.multiply_ns + p.inputs_ns > 1.25 * p.read_ns) return Bound::kArithmetic;
  if (p.working_set <= caches.l1d) return Bound::kL1;
  if (p.working_set <= caches.l2) return Bound::kL2;
  return p.working_set <= caches.l3 ? Bound::kL3 : Bound::kMemory;
}

}  // namespace

double read_ns_per_line(const ReadCurve& curve, std::uint64_t bytes) {
  if (curve.empty()) return 0;
  const auto above = std::find_if(curve.begin(), curve.end(), [&](const ReadPoint& p) { return p.bytes >= bytes; });
  if (above == curve.begin()) return curve.front().ns_per_line;
  if (above == curve.end()) return curve.back().ns_per_line;
  const ReadPoint& low = above[-1];
  const double at = std::log(static_cast<double>(bytes) / static_cast<double>(low.bytes)) /
                    std::log(static_cast<double>(above->bytes) / static_cast<double>(low.bytes));
  return low.ns_per_line + at * (above->ns_per_line - low.ns_per_line);
}

Prediction predict(const CpuProfile& profile, const KernelCost& kernel, const Dimensions& model, Path path) {
  const Work work = work_of(model, path);
  Prediction p;
  p.weight_bytes = work.layer1_bytes + work.layer2_bytes;
  p.working_set = work.layer1_bytes + work.other_bytes;
  const double line = line_of(profile, kernel.turn, work, p.working_set);
  p.call_ns = path == Path::kTick ? kernel.tick_call_ns : kernel.call_ns;
  p.inputs_ns = work.inputs * kernel.input_ns;
  p.lanes_ns = work.groups * kernel.group_ns + work.passes * kernel.pass_ns;
  p.blocks_ns = work.blocks * kernel.block_ns;
  p.gather_ns = work.gathered * kernel.gather_ns;
  p.multiply_ns = multiply(kernel, work);
  p.read_ns = static_cast<double>(work.layer1_bytes) / kLine * line;
  p.layer1_ns = std::max(p.multiply_ns + p.inputs_ns, p.read_ns);
  // The kernel's figures hold the read of everything else from L1; further away it takes that much longer.
  const double beyond = std::max(0.0, line - read_ns_per_line(profile.forward, 0));
  p.beyond_l1_ns = static_cast<double>(work.other_bytes) / kLine * beyond;
  p.ns = p.call_ns + p.lanes_ns + p.blocks_ns + p.gather_ns + p.layer1_ns + p.beyond_l1_ns;
  p.bound = bound_of(profile.caches, p);
  return p;
}

const KernelCost* find_kernel(const CpuProfile& profile, const std::string& name) {
  for (const KernelCost& kernel : profile.kernels)
    if (kernel.name == name) return &kernel;
  return nullptr;
}

const KernelCost* best_kernel(const CpuProfile& profile, tickmlp_element_type type) {
  for (const KernelCost& kernel : profile.kernels)
    if (kernel.type == type) return &kernel;
  return nullptr;
}

const char* bound_name(Bound bound) {
  switch (bound) {
    case Bound::kOverhead: return "overhead";
    case Bound::kArithmetic: return "arithmetic";
    case Bound::kL1: return "L1";
    case Bound::kL2: return "L2";
    case Bound::kL3: return "L3";
    case Bound::kMemory: return "memory";
  }
  return "unknown";
}

const char* turn_name(Turn turn) {
  switch (turn) {
    case Turn::kNever: return "never";
    case Turn::kChunks: return "chunks";
    case Turn::kStrips: return "strips";
  }
  return "unknown";
}

}  // namespace tickmlp::bench
