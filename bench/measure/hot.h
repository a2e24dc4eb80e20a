// SPDX-License-Identifier: Apache-2.0
// Timed calls back to back, in chunks; what happens to the core is read between two chunks.
#ifndef TICKMLP_BENCH_MEASURE_HOT_H_
#define TICKMLP_BENCH_MEASURE_HOT_H_
#include <algorithm>
#include <chrono>
#include <functional>

#include "cli.h"
#include "measure/block_watch.h"
#include "measure/plan.h"
#include "measure/timed_work.h"

namespace tickmlp::bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Untimed calls; at most `most_seconds` of them, 0: no such limit.
template <class Work>
void warm(Work* work, std::uint64_t calls, double most_seconds) {
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < calls && g_interrupt_signal == 0; ++i) {
    if (most_seconds > 0 && i % 64 == 63 && seconds_since(start) > most_seconds) return;
    work->prepare();
    work->timed();
  }
}

// One block: `samples` timed regions into `recorder`. False when it was interrupted or a call failed.
template <class Work>
bool time_hot(const tickmlp_clock& clock_of_machine, Work* work, std::uint64_t samples, tickmlp_recorder* recorder,
              BlockWatch* watch, const std::function<void(std::uint64_t)>& chunk_done) {
  const tickmlp_clock clock = clock_of_machine;
  for (std::uint64_t done = 0; done < samples;) {
    const std::uint64_t chunk = std::min(kChunk, samples - done);
    watch->begin_chunk();
    warm(work, kChunkWarmUp, 0);
    for (std::uint64_t i = 0; i < chunk; ++i) {
      work->prepare();
      const std::uint64_t begin = tickmlp_clock_begin();
      work->timed();
      const std::uint64_t end = tickmlp_clock_end();
      if (end >= begin) {
        const std::uint64_t ns = tickmlp_clock_ns(&clock, end - begin);
        tickmlp_recorder_record(recorder, ns);
        watch->worst->offer(ns, end);
      } else {
        watch->backwards += 1;
      }
      if (work->status != TICKMLP_OK || g_interrupt_signal != 0) return false;
    }
    watch->end_chunk();
    done += chunk;
    chunk_done(chunk);
  }
  return true;
}

}  // namespace tickmlp::bench
#endif
