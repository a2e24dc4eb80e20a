// SPDX-License-Identifier: Apache-2.0
// What happens to the core and to this thread while calls are timed.
#ifndef TICKMLP_BENCH_MEASURE_BLOCK_WATCH_H_
#define TICKMLP_BENCH_MEASURE_BLOCK_WATCH_H_
#include <cstdint>
#include <string>

#include "audit/core_events.h"
#include "measure/worst.h"

namespace tickmlp::bench {

// Two moments that are read again and again: what lies between them has a cause for its slow samples.
class EventReader {
 public:
  // Reads both once: the first reading makes room, and that page fault would be counted as a timed call's.
  explicit EventReader(int core) : events(Box(), core) { events.read(&before), events.read(&after); }
  const CoreEvents events;
  CoreSnapshot before, after;
};

// One a block. Between begin_chunk() and end_chunk() lie timed regions and whatever stands between them; the two calls
// make system calls themselves, 60 us each, and lie outside.
class BlockWatch {
 public:
  BlockWatch(WorstSamples* worst_samples, std::uint64_t run, EventReader* reader)
      : worst(worst_samples), run_(run), reader_(reader) {}
  void begin_chunk();
  void end_chunk();

  WorstSamples* worst;
  std::uint64_t page_faults = 0, involuntary_switches = 0, backwards = 0;

 private:
  std::uint64_t run_;
  EventReader* reader_;
};

}  // namespace tickmlp::bench
#endif
