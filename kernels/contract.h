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

inline constexpr uint32_t kMaxInputs = 4096;
inline constexpr uint32_t kMaxHeads = 16;
inline constexpr uint32_t kMaxHidden = 4096;
inline constexpr uint32_t kMaxLanes = 8192;
inline constexpr uint32_t kMaxHeadOutputs = 64;

constexpr uint32_t round_up(uint32_t value, uint32_t multiple) { return (value + multiple - 1) / multiple * multiple; }

enum class ElementType : uint32_t { kInt8 = 1, kFloat32 = 2 };

struct Head {
  uint32_t group_begin;   // first group of its lanes
  uint32_t groups;        // padded hidden / 16
  uint32_t output_begin;  // index of its first output
  uint32_t outputs;
  uint32_t softmax;  // 1 softmax, 0 identity
  const float* w2;   // [outputs][groups * 16], 64-byte aligned
};

// Four neighbouring heads side by side, as layer 2 and the softmax take them: a lane is a head, a step an output.
struct HeadBlock {
  uint32_t outputs;    // of the head that has most
  const float* start;  // [outputs][4] start2 of output k of each head; -infinity where a head has no such output
  alignas(16) int32_t softmax[4];  // -1 softmax, 0 identity
  uint32_t output_begin;           // of the first head
  uint32_t output_count;           // of all four
  // Only where outputs is at most 4:
  alignas(64) int32_t order[16];  // output j of the block is element order[j] of its [4][4] results
  const float* row[4][4];         // w2 of output k of head h; of output 0 where the head has no output k
};

// A verified model, read-only. All arrays are 64-byte aligned and padded with zeros to a multiple of 64 bytes.
struct Network {
  uint32_t inputs;
  uint32_t groups;  // of all heads; lanes = 16 * groups
  uint32_t heads;
  uint32_t outputs;
  const Head* head;          // [heads], and zeroed heads up to a multiple of 4
  const float* input_scale;  // [inputs], int8 only
  const void* start;         // [lanes] int32 (int8) or float
  const float* lane_scale;   // [lanes], int8 only
  const float* group_clamp;  // [groups] the upper clamp bound of each group's head
  const void* w1;            // tiles: see docs/BLOB_FORMAT.md
  const float* start2;       // [outputs]
  const HeadBlock* block;    // [(heads + 3) / 4]
};

enum class Outcome : uint32_t { kDone, kNonFiniteInput, kNonFiniteOutput };

// One thread's scratch; every array 64-byte aligned. Sizes in elements.
struct Workspace {
  uint8_t* codes;    // [2 * round_up(inputs, 64)] quantised inputs, as bytes or as 16-bit
  float* hidden;     // [lanes] after the clamp
  float* logits;     // [sum over blocks of 4 * round_up(outputs, 4)]: block by block as HeadBlock::start
  uint64_t clipped;  // input elements clipped by the last call (int8)
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

// The full path in three parts, for a team of cores: one encodes the input once, each takes layer 1 of its own groups,
// one finishes. The three one after the other give what `infer` gives, bit for bit, however the groups are cut.
//
// What layer 1 reads of the input: quantised codes (int8), the floats themselves (float32), to `codes`
// [code_bytes(inputs)], 64-byte aligned. *clipped is what workspace.clipped would be.
using EncodeFunction = Outcome (*)(const Network& network, const float* input, void* codes, uint64_t* clipped);
constexpr size_t code_bytes(uint32_t inputs) { return size_t{4} * round_up(inputs, 64); }

// Groups group_begin .. group_end - 1 of layer 1, after the clamp, to their places in `hidden` [lanes]; the places of
// other groups are not touched. `backwards` asks to read the weights from back to front where that gives the same bits,
// so that every second call begins with what the last one left in L1.
using LanesFunction = void (*)(const Network& network, const void* codes, uint32_t group_begin, uint32_t group_end,
                               bool backwards, float* hidden);

// Layer 2 and the heads, from workspace.hidden.
using FinishFunction = Outcome (*)(const Network& network, Workspace& workspace, float* output);

// One kernel's functions, an object an instruction set and element type.
struct Functions {
  InferFunction infer;
  AdvanceFunction advance;
  TickFunction tick;
  EncodeFunction encode;
  LanesFunction lanes;
  FinishFunction finish;
};

// How many groups tile `tile` holds, when `groups` are cut into `tiles` as even as can be.
constexpr uint32_t tile_count(uint32_t groups) { return (groups + kTileGroups - 1) / kTileGroups; }
constexpr uint32_t tile_groups(uint32_t groups, uint32_t tiles, uint32_t tile) {
  return groups / tiles + (tile < groups % tiles ? 1 : 0);
}

// The part of one tile that lies in groups begin .. end - 1.
struct TilePart {
  uint32_t group;   // its first group
  uint32_t groups;  // 0: none
  uint32_t width;   // of the whole tile: one step of the inputs is width * 64 bytes
  size_t record;    // 64-byte record of w1 where the part begins
};
// `steps` is how many rows of records a tile has: inputs (float32), or quads of inputs (int8).
constexpr TilePart tile_part(uint32_t all_groups, uint32_t steps, uint32_t tile, uint32_t begin, uint32_t end) {
  const uint32_t tiles = tile_count(all_groups), wide = all_groups % tiles, narrow = all_groups / tiles;
  const uint32_t first = tile * narrow + (tile < wide ? tile : wide), width = tile_groups(all_groups, tiles, tile);
  const uint32_t from = begin > first ? begin : first, to = end < first + width ? end : first + width;
  return {from, to > from ? to - from : 0, width, size_t{first} * steps + (from - first)};
}

}  // namespace tickmlp
