// SPDX-License-Identifier: Apache-2.0
// The memory floor: reading a model's weights, those of both layers, once, as fast as this CPU can, and doing nothing
// with them.
#ifndef TICKMLP_BENCH_MEMORY_FLOOR_H_
#define TICKMLP_BENCH_MEMORY_FLOOR_H_
#include <cstddef>

namespace tickmlp::bench {

// Reads `bytes` (a multiple of 64) from `memory` (64-byte aligned), front to back, each byte once.
using MemoryFloor = void (*)(const void* memory, std::size_t bytes);

struct MemoryFloorChoice {
  MemoryFloor read;
  const char* isa;  // "AVX-512", for the report
};

// The same bytes in chunks of kTurnChunk, each front to back, but from the last one to the first where `backwards`.
// Every second pass backwards finds the end of the last pass in a cache, as a kernel does whose calls turn back: the
// floor of such a kernel over a working set larger than a cache.
inline constexpr std::size_t kTurnChunk = 4096;
void read_in_chunks(MemoryFloor read, const void* memory, std::size_t bytes, bool backwards);

// The widest loads that this CPU has. Call it once, outside timed regions.
MemoryFloorChoice choose_memory_floor();

}  // namespace tickmlp::bench
#endif
