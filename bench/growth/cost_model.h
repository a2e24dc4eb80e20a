// SPDX-License-Identifier: Apache-2.0
// What a call should cost, from a CPU's figures and a model's dimensions alone. docs/GROWTH.md has the formula.
// Pure functions: no clock, no file; thread-safe.
#ifndef TICKMLP_BENCH_COST_MODEL_H_
#define TICKMLP_BENCH_COST_MODEL_H_
#include <cstdint>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

// In bytes; 0 where the CPU has no such cache or does not say.
struct Caches {
  std::uint64_t l1d = 0, l2 = 0, l3 = 0;
};

// How long a bare read of one 64-byte line takes when `bytes` are read over and over.
struct ReadPoint {
  std::uint64_t bytes;
  double ns_per_line;
};
using ReadCurve = std::vector<ReadPoint>;  // ascending in bytes; ns_per_line never falls

// How consecutive calls sweep layer 1's weights. One that turns back at the end finds the last of them still cached.
enum class Turn {
  kNever,   // every call front to back
  kChunks,  // every second call back to front, a few kilobytes at a time
  kStrips,  // every second call takes the tiles of lanes in the opposite order, each from front to back
};

// One kernel on one CPU, ns, all in L1.
struct KernelCost {
  std::string name;
  tickmlp_element_type type = TICKMLP_INT8;
  double call_ns = 0;       // a call, and the softmax of up to four heads of up to four outputs
  double tick_call_ns = 0;  // the same of tickmlp_window_tick()
  double input_ns = 0;      // an input: check, quantise
  double group_ns = 0;      // 16 lanes: start value, clamp, layer 2 to up to four outputs
  double pass_ns = 0;       // 16 lanes: layer 2 to four outputs more
  double block_ns = 0;      // the softmax of four heads or four outputs more
  double step_ns = 0;       // layer 1: a step of one tile cannot be shorter, since each waits for the one before
  double line_ns = 0;       // layer 1: multiply-adds of 64 bytes of weights
  double gather_ns = 0;     // an input that a pruned model is given, kept or not
  Turn turn = Turn::kNever;
};

struct CpuProfile {
  std::string cpu;
  double timer_ns = 0;  // two readings of the clock with nothing between
  Caches caches;
  std::string read_isa;
  ReadCurve forward, turning;  // every pass front to back; every second one back to front
  std::vector<KernelCost> kernels;
};

struct HeadSize {
  std::uint32_t hidden, outputs;  // real units
};
struct Dimensions {
  tickmlp_element_type type = TICKMLP_INT8;
  std::uint32_t inputs = 0;
  std::vector<HeadSize> heads;
  std::uint32_t window_columns = 0;  // 0: no window
  std::uint32_t kept_inputs = 0;     // of a pruned model; 0 or `inputs`: all
};

enum class Path { kFull, kTick };
enum class Bound { kOverhead, kArithmetic, kL1, kL2, kL3, kMemory };

struct Prediction {
  double ns = 0;  // call + lanes + blocks + gather + layer 1 + beyond L1; no timer in it
  double call_ns = 0, lanes_ns = 0, blocks_ns = 0, gather_ns = 0, layer1_ns = 0, beyond_l1_ns = 0;
  // Layer 1 is the larger of two that overlap: multiply-adds with the inputs' own work, and the read of its weights.
  double multiply_ns = 0, inputs_ns = 0, read_ns = 0;
  std::uint64_t weight_bytes = 0;  // weights that the call reads, of both layers
  std::uint64_t working_set = 0;   // bytes that the call touches
  Bound bound = Bound::kOverhead;
};

// ns a line for a working set of `bytes`: straight between two points of the curve over log(bytes), level beyond both
// ends. 0 for an empty curve.
double read_ns_per_line(const ReadCurve& curve, std::uint64_t bytes);

// kTick needs window_columns. Never falls as a dimension grows, as long as every figure of the kernel is 0 or more; but
// with Turn::kStrips more lanes can make smaller strips, of which more are found again.
Prediction predict(const CpuProfile& profile, const KernelCost& kernel, const Dimensions& model, Path path);

// nullptr where the profile lacks it. The second: what that CPU takes for an element type, the profile's first one.
const KernelCost* find_kernel(const CpuProfile& profile, const std::string& name);
const KernelCost* best_kernel(const CpuProfile& profile, tickmlp_element_type type);

const char* bound_name(Bound bound);  // "overhead", "arithmetic", "L1" ... "memory"
const char* turn_name(Turn turn);     // "never", "chunks", "strips"

}  // namespace tickmlp::bench
#endif
