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

// One kernel's functions, an object an instruction set and element type.
struct Functions {
  InferFunction infer;
  AdvanceFunction advance;
  TickFunction tick;
  BatchFunction batch;
};

// How many groups tile `tile` holds, when `groups` are cut into `tiles` as even as can be.
constexpr uint32_t tile_count(uint32_t groups) { return (groups + kTileGroups - 1) / kTileGroups; }
constexpr uint32_t tile_groups(uint32_t groups, uint32_t tiles, uint32_t tile) {
  return groups / tiles + (tile < groups % tiles ? 1 : 0);
}

}  // namespace tickmlp
