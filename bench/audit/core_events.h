// SPDX-License-Identifier: Apache-2.0
// What happened to one core and the calling thread between two moments: the likely cause of a slow sample.
#ifndef TICKMLP_BENCH_CORE_EVENTS_H_
#define TICKMLP_BENCH_CORE_EVENTS_H_
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/box.h"

namespace tickmlp::bench {

// One moment. The kernel's texts are kept as they came and are understood only when two moments are compared, so that
// reading stays cheap. About 4 KB on two cores; /proc/interrupts grows with cores times interrupts.
struct CoreSnapshot {
  std::string interrupts, softirqs, stat, schedstat;  // "" where the file cannot be read
  std::uint64_t minor_faults = 0, major_faults = 0, voluntary_switches = 0, involuntary_switches = 0;
};

struct NamedCount {
  std::string name;
  std::uint64_t count;
};

struct CoreDifference {
  std::vector<NamedCount> interrupts, softirqs;  // on this core, most frequent first, zeros left out
  std::optional<std::uint64_t> interrupt_count;  // nothing when /proc/interrupts is missing or masked
  std::optional<std::uint64_t> steal_ticks;      // hundredths of a second; nothing when unreadable
  std::optional<std::uint64_t> waited_ns;        // ready to run and not running; nothing when unreadable
  std::uint64_t minor_faults = 0, major_faults = 0, voluntary_switches = 0, involuntary_switches = 0;
};

// Keeps the files open, so that a reading is four pread calls and getrusage: 60 us on a two-core virtual machine with
// 36 lines of interrupts, 49 of them for /proc/interrupts, whose cost grows with cores times interrupts (a large server
// takes a millisecond; `cost_us` says what it was here). Not for a timed region: it leaves caches colder. One thread,
// the one that is measured, makes it and calls it. No errors: what cannot be read stays unknown.
class CoreEvents {
 public:
  CoreEvents(const Box& box, int core);
  ~CoreEvents();
  CoreEvents(const CoreEvents&) = delete;
  CoreEvents& operator=(const CoreEvents&) = delete;

  // Allocates only where a text has grown beyond what `snapshot` once held: use the same two again and again.
  void read(CoreSnapshot* snapshot) const;
  // About 100 us: for the worst samples, not for each pair.
  CoreDifference between(const CoreSnapshot& before, const CoreSnapshot& after) const;
  double cost_us() const { return cost_us_; }  // the median of five readings at the start

 private:
  int core_;
  int interrupts_, softirqs_, stat_, schedstat_;  // descriptors, -1 where there is no such file
  double cost_us_ = 0;
};

// For people: "waited 3.2 ms for the core, 1 involuntary switch, 2 local timer interrupts, 1 interrupt of eth0-rx-0".
// "nothing seen on the core" where all was readable and nothing happened, "" where nothing is known.
std::string cause(const CoreDifference& difference);

// "1 local timer interrupt, 2 interrupts of eth0-rx-0, 40 more": at most `most` kinds; "" for none.
std::string describe_interrupts(const std::vector<NamedCount>& interrupts, std::size_t most);

}  // namespace tickmlp::bench
#endif
