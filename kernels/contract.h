// SPDX-License-Identifier: Apache-2.0
// What every kernel is given, what it gives back, and where the weights lie. docs/ARITHMETIC.md says what it computes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tickmlp {

// One group is 16 lanes: one AVX-512 register of 32-bit values, two AVX2, four NEON. One cache line of weights.
inline constexpr uint32_t kGroup = 16;
// A tile is at most 16 groups: their accumulators leave half of AVX-512's 32 registers free for everything else.
inline constexpr uint32_t kTileGroups = 16;
// A stretch of layer 1 up to this many inputs, a tick say, is bound by latency, a longer one by its weights.
inline constexpr uint32_t kShortInputs = 16;
// At most 4 groups of a head, with layer-2 sums of all heads and the inputs, fit AVX-512's 32 registers.
inline constexpr uint32_t kShortGroups = 4;
inline constexpr uint32_t kMaxInputs = 4096;
inline constexpr uint32_t kMaxHeads = 16;
inline constexpr uint32_t kMaxHidden = 4096;
inline constexpr uint32_t kMaxLanes = 8192;
inline constexpr uint32_t kMaxHeadOutputs = 64;

static constexpr uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

enum class ElementType : uint32_t { kInt8 = 1, kFloat32 = 2 };

struct Head {
  uint32_t group_begin;   // first group of its lanes
  uint32_t groups;        // padded hidden / 16
  uint32_t output_begin;  // index of its first output
  uint32_t outputs;
  uint32_t softmax;  // 1 softmax, 0 identity
  const float* w2;   // [outputs][groups * 16], 64-byte aligned
};

// Four neighbouring heads side by side, as layer 2 and the softmax take them: sixteen lanes are four outputs of each
// head, lane 4 * head + output, and a model of more outputs takes several such steps.
struct HeadBlock {
  uint32_t outputs;                   // of the head that has most
  const float* start;                 // [steps][16] start2 of each head and output; -infinity where there is none
  uint32_t output_count;              // of all four
  alignas(64) float softmax[kGroup];  // 1 softmax, 0 identity
  float small_start[kGroup];          // the first sixteen of start
  // Only where outputs is at most 4:
  alignas(64) int32_t order[kGroup];  // output j of the block is lane order[j]
};

// Neighbouring groups of one tile that layer 1 takes in one go, sums in registers: either a whole tile, or what of it
// is one head's, which has a share of that head's layer 2. A step is an input (float32) or a group of four inputs
// (int8). Made at load time.
struct Strip {
  const void* w1;       // of its first group at step 0
  size_t stride;        // bytes from one step to the next
  uint32_t begin, end;  // steps outside have only weights of zero, which change no bit
  uint32_t group;       // its first group, of all
  uint32_t groups;      // at most kTileGroups
  // Of one head's strip:
  uint32_t outputs;     // of its head
  bool first;           // of its head; the others continue its layer-2 sums
  const float* w2;      // of its first group, output 0
  size_t w2_stride;     // floats from one output to the next
  size_t sums;          // of output 0 in Workspace::sums; sums_offset(k) further for output k
  const float* row[4];  // w2 of the model's group 0, were it this head's, for output k; of output 0 where there is no k
};

// All that a stretch of at most kShortInputs inputs needs of a head, in one cache line. int8 counts its steps from the
// last four on: `steps` has bit q where step (steps of the model - 4 + q) has weights, and w1 is that of q = 0, which
// may lie before the array. float32: w1 is that of step 0.
struct alignas(64) ShortHead {
  const void* w1;           // of its first group
  const float* row[4];      // w2 for output k; of output 0 where there is no k
  const float* lane_scale;  // int8 only
  float clamp;
  uint16_t begin, end;  // as in Strip
  uint16_t lane;        // its first
  uint8_t groups, outputs;
  uint32_t steps;
};

// The strip without its first groups.
static inline __attribute__((always_inline)) void skip(Strip& strip, uint32_t groups) {
  strip.w1 = static_cast<const uint8_t*>(strip.w1) + groups * size_t{64};
  if (strip.w2 != nullptr) strip.w2 += groups * kGroup;
  strip.group += groups;
  strip.groups -= groups;
  strip.first = false;
}

// Layer-2 sums lie four heads by four outputs by sixteen virtual lanes, as HeadBlock has them.
static constexpr size_t sums_offset(uint32_t output) { return (size_t{output / 4} * 16 + output % 4) * kGroup; }

// A verified model, read-only. All arrays are 64-byte aligned and padded with zeros to a multiple of 64 bytes.
struct Network {
  uint32_t inputs;  // that layer 1 reads
  uint32_t groups;  // of all heads; lanes = 16 * groups
  uint32_t heads;
  uint32_t outputs;
  const Head* head;          // [heads]
  const float* input_scale;  // [inputs], int8 only
  const void* start;         // [lanes] int32 (int8) or float
  const float* lane_scale;   // [lanes], int8 only
  const float* group_clamp;  // [groups] the upper clamp bound of each group's head
  const void* w1;            // tiles: see docs/BLOB_FORMAT.md
  const float* start2;       // [outputs]
  const HeadBlock* block;    // [(heads + 3) / 4]
  const Strip* tile;         // [tiles] whole tiles
  const Strip* strip;        // [strips] the same cut where a head ends, in order of their groups
  uint32_t tiles, strips;
  // A model of one tile and at most four heads of at most four outputs can go to its outputs in registers:
  uint32_t small_outputs;  // of the head that has most; 0: not such a model
  uint32_t ends;           // bit g: a head ends with group g
  // What callers give. A pruned model has weights for `inputs` of them alone, and whoever calls a kernel copies these
  // together first (GatherFunction): bit i % 8 of byte i / 8 says whether input i is one. nullptr: all are.
  uint32_t all_inputs;
  const uint8_t* input_mask;
  // And where small_outputs is not 0 and no head has more than kShortGroups groups: a short stretch goes by these.
  bool short_heads = false;
  uint32_t softmax_heads = 0, other_heads = 0;  // bit h
  ShortHead short_head[4] = {};
};

enum class Outcome : uint32_t { kDone, kNonFiniteInput, kNonFiniteOutput };

// One thread's scratch; every array 64-byte aligned. Sizes in elements.
struct Workspace {
  uint8_t* codes;    // [2 * round_up(inputs, 64)] quantised inputs, as bytes or as 16-bit
  float* hidden;     // [lanes] after the clamp
  float* logits;     // [sum over blocks of 4 * round_up(outputs, 4)]: block by block, laid out as HeadBlock::start
  float* sums;       // [16 x as many] layer 2's virtual lanes, laid out as sums_offset says; 0 where there is no output
  uint64_t clipped;  // input elements clipped by the last call (int8)
  bool backward;     // direction of the next pass over all of layer 1's weights; turns with every call
};

// Most states that a batch function takes at once: register-blocked layer 1 gains nothing beyond (docs/BATCH.md).
inline constexpr uint32_t kMaxBatchStates = 64;

// One thread's scratch for a batch; every array 64-byte aligned. At most 1 MiB: see runtime/workspace.cc.
struct BatchWorkspace {
  uint32_t states;      // 1 .. kMaxBatchStates: the most that one call may be given
  size_t codes_stride;  // bytes from one state's codes to the next's
  uint8_t* codes;       // [states][codes_stride], each as Workspace::codes
  float* hidden;        // [states][lanes] after the clamp
  float* logits;        // [outputs][16] of up to sixteen states side by side
  Workspace one;        // of one state, for kernels that take one after another
};

// What a kernel offers. No allocation, lock, system call or global; noexcept. `input`, `row` and `output` are 4-byte
// aligned and never touched beyond their ends; output [outputs] is written only with Outcome::kDone, after the last
// read of the input, so the two may overlap.

// Full path: input [inputs].
using InferFunction = Outcome (*)(const Network& network, const float* input, Workspace& workspace, float* output);

// Tick path, off the critical path: layer 1 over inputs 0 .. end - 1, from the start vector. The accumulators
// [lanes] (int32 or float, 64-byte aligned) go to `kept`; kNonFiniteInput leaves them undefined.
using AdvanceFunction = Outcome (*)(const Network& network, const float* input, uint32_t end, Workspace& workspace,
                                    void* kept);

// Tick path, on the critical path: the rest of layer 1, inputs begin .. inputs - 1 given as row [inputs - begin], from
// `kept`; then layer 2 and the heads. Equals the full path bit for bit, since each lane is one ascending chain (int8:
// exact sums).
using TickFunction = Outcome (*)(const Network& network, const float* row, uint32_t begin, Workspace& workspace,
                                 const void* kept, float* output);

// Four neighbouring inputs, 4 * quad and on: their codes, or what these gained or lost, an unsigned byte each.
struct QuadCodes {
  uint32_t quad, codes;
};

// What sparse updates keep from one call to the next; every array 64-byte aligned. Before anything came in, `codes` is
// zero (no input at all) and `sums` the network's start.
struct SparseState {
  uint8_t* codes;                     // [4 * quads] of the inputs as they are now; quads = (inputs + 3) / 4
  int32_t* sums;                      // [lanes] layer 1 over these codes
  int32_t* next_sums;                 // [lanes] scratch; trades places with sums
  uint8_t* settled;                   // [4 * quads] scratch, equal to codes between calls
  uint8_t* touched;                   // [quads] scratch, zero between calls
  QuadCodes *before, *gained, *lost;  // [quads + 1] scratch
};

// Sparse update, int8 only: input indices[k], which is below inputs, becomes values[k], k = 0 .. count - 1; where an
// index stands twice the last one wins. The sums are corrected by (code now - code before) x weight; then layer 2 and
// the heads, unless `output` is nullptr. Equals the full path over all inputs as they are now, bit for bit, since the
// sums are integers. workspace.clipped counts the list. Anything but kDone leaves the state as it was.
using UpdateFunction = Outcome (*)(const Network& network, const uint32_t* indices, const float* values, uint32_t count,
                                   Workspace& workspace, SparseState& state, float* output);

// The full path in three parts, for a team of cores: one encodes the input once, each takes layer 1 of its own groups,
// one finishes. The three one after the other give what `infer` gives, bit for bit, however the groups are cut.
//
// What layer 1 reads of the input: quantised codes (int8), the floats themselves (float32), to `codes`
// [code_bytes(inputs)], 64-byte aligned. *clipped is what workspace.clipped would be.
using EncodeFunction = Outcome (*)(const Network& network, const float* input, void* codes, uint64_t* clipped);
static constexpr size_t code_bytes(uint32_t inputs) { return size_t{4} * round_up(inputs, 64); }

// Groups group_begin .. group_end - 1 of layer 1, after the clamp, to their places in `hidden` [lanes]; the places of
// other groups are not touched. `backwards` asks to read the weights from back to front where that gives the same bits,
// so that every second call begins with what the last one left in L1.
using LanesFunction = void (*)(const Network& network, const void* codes, uint32_t group_begin, uint32_t group_end,
                               bool backwards, float* hidden);

// Layer 2 and the heads, from workspace.hidden.
using FinishFunction = Outcome (*)(const Network& network, const Workspace& workspace, float* output);

struct BatchResult {
  uint32_t done;     // states whose outputs were written, from the first one on
  Outcome outcome;   // kDone: all of them; else why state `done` was refused
  uint64_t clipped;  // input elements clipped, over the states done (int8)
};

// Batch path: inputs [states][inputs] to outputs [states][outputs], which must not overlap; states at most
// workspace.states. Equals infer() state by state, to the bit, and stops where that would be refused: of the outputs of
// that state and of those after it nothing is written.
using BatchFunction = BatchResult (*)(const Network& network, const float* inputs, uint32_t states,
                                      BatchWorkspace& workspace, float* outputs);

// Those of input[0, count) whose bit in `kept` is set, in ascending order, to `to`, which has room for kGroup floats
// more; the last byte read of `kept` is count / 8 + 1. False: one of the inputs, kept or not, is not finite.
using GatherFunction = bool (*)(const float* input, uint32_t count, const uint8_t* kept, float* to);

// One kernel's functions, an object an instruction set and element type.
struct Functions {
  InferFunction infer;
  AdvanceFunction advance;
  TickFunction tick;
  UpdateFunction update = nullptr;  // int8 only
  EncodeFunction encode;
  LanesFunction lanes;
  FinishFunction finish;
  BatchFunction batch;
  GatherFunction gather;
};

// How many groups tile `tile` holds, when `groups` are cut into `tiles` as even as can be.
static constexpr uint32_t tile_count(uint32_t groups) { return (groups + kTileGroups - 1) / kTileGroups; }
static constexpr uint32_t tile_groups(uint32_t groups, uint32_t tiles, uint32_t tile) {
  return groups / tiles + (tile < groups % tiles ? 1 : 0);
}

// What of a tile lies in groups begin .. end - 1; groups is 0 where nothing does.
static inline __attribute__((always_inline)) Strip cut(Strip tile, uint32_t begin, uint32_t end) {
  if (end < tile.group + tile.groups) tile.groups = end > tile.group ? end - tile.group : 0;
  if (begin > tile.group) skip(tile, begin - tile.group < tile.groups ? begin - tile.group : tile.groups);
  return tile;
}

}  // namespace tickmlp
