// SPDX-License-Identifier: Apache-2.0
// What a request through shared memory and its answer cannot beat.
#ifndef TICKMLP_BENCH_SERVE_CACHE_LINE_H_
#define TICKMLP_BENCH_SERVE_CACHE_LINE_H_
#include <atomic>
#include <string>
#include <thread>

#include "cli.h"
#include "tickmlp.h"

namespace tickmlp::bench {

// One cache line there and back between this core and the server's, whose
// thread sleeps while nobody is attached.
inline void time_cache_line(const tickmlp_clock& clock, int other_core, tickmlp_recorder* recorder) {
  alignas(128) static std::atomic<std::uint32_t> line = 0;
  constexpr std::uint32_t kRounds = 200'000, kGroup = 20;
  std::thread echo([other_core] {
    tickmlp_error error{};
    if (tickmlp_pin_thread(other_core, &error) != TICKMLP_OK) return line.store(UINT32_MAX);
    line.store(1);
    for (std::uint32_t next = 2; next < 2 * kRounds; next += 2) {
      while (line.load(std::memory_order_acquire) != next) {
      }
      line.store(next + 1, std::memory_order_release);
    }
  });
  while (line.load() == 0) {
  }
  if (line.load() == 1)
    for (std::uint32_t i = 1; i < kRounds;) {
      const std::uint64_t begin = tickmlp_clock_begin();
      std::uint32_t n = 0;
      for (; n < kGroup && i < kRounds; ++n, ++i) {
        line.store(2 * i, std::memory_order_release);
        while (line.load(std::memory_order_acquire) != 2 * i + 1) {
        }
      }
      tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, tickmlp_clock_end() - begin) / n);
    }
  echo.join();
  if (recorder->count == 0) refuse("cannot pin a thread to core " + std::to_string(other_core));
}

}  // namespace tickmlp::bench
#endif
