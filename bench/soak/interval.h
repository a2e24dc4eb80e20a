// SPDX-License-Identifier: Apache-2.0
// One interval of a soak: its percentiles and what the process held at its end.
#ifndef TICKMLP_BENCH_SOAK_INTERVAL_H_
#define TICKMLP_BENCH_SOAK_INTERVAL_H_
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "measure/statistics.h"

namespace tickmlp::bench {

// Plain numbers, so that room for all intervals can be made before the load begins.
struct SoakInterval {
  double begin_s = 0, seconds = 0;  // since the load began
  std::uint64_t calls = 0, errors = 0, planned_misses = 0;
  bool saturated = false;   // the queue did not drain in it: it has no percentiles
  std::uint64_t count = 0;  // recorded: calls that gave an output
  std::uint64_t min_ns = 0, max_ns = 0;
  double central_ns = 0;
  std::array<std::uint64_t, kPercentiles.size()> percentile_ns{};  // 0: too few samples for it
  std::uint64_t resident_kb = 0, locked_kb = 0, page_faults = 0, involuntary_switches = 0;
};

// Makes a copy of a recorder the interval since an earlier copy of it. What cannot be told apart any more are the
// interval's own extremes: they become the upper edges of its outermost slots.
void subtract(tickmlp_recorder* copy, const tickmlp_recorder& earlier);

// Fills in count, extremes, central and percentiles; percentiles only where the samples suffice for them.
void fill_figures(const tickmlp_recorder& recorder, SoakInterval* interval);

// "central", "min", "max" or a percentile's name; nothing where the interval does not have it.
std::optional<double> figure_of(const SoakInterval& interval, const std::string& name);

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
