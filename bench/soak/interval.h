// SPDX-License-Identifier: Apache-2.0
// One interval of a soak: its latencies and what the process held at its end.
#ifndef TICKMLP_BENCH_SOAK_INTERVAL_H_
#define TICKMLP_BENCH_SOAK_INTERVAL_H_
#include <cstdint>

#include "tickmlp.h"

namespace tickmlp::bench {

// Of one size, 26 KB, so that room for all intervals can be made before the load begins.
struct SoakInterval {
  double begin_s = 0, seconds = 0;  // since the load began; to 0.1 ms, as they are written
  std::uint64_t calls = 0, errors = 0, planned_misses = 0;
  bool saturated = false;       // the queue did not drain in it: nothing is recorded
  tickmlp_recorder recorder{};  // calls that gave an output; extremes are slot edges, as in the evidence
  std::uint64_t resident_kb = 0, locked_kb = 0, page_faults = 0, involuntary_switches = 0;
};

// What the process holds now. Keeps two files of /proc open: a reading is two system calls and no allocation.
class ProcessMemory {
 public:
  ProcessMemory();
  ~ProcessMemory();
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;
  std::uint64_t resident_kb() const;  // /proc/self/statm; 0 where it cannot be read
  std::uint64_t locked_kb() const;    // VmLck of /proc/self/status; likewise

 private:
  int statm_, status_;
};

}  // namespace tickmlp::bench
#endif
