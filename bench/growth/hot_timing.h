// SPDX-License-Identifier: Apache-2.0
// How long a call takes when it is made back to back, on a machine that others use too.
#ifndef TICKMLP_BENCH_HOT_TIMING_H_
#define TICKMLP_BENCH_HOT_TIMING_H_
#include <chrono>
#include <cstdint>

#include "cli.h"
#include "tickmlp.h"

namespace tickmlp::bench {

inline constexpr std::uint64_t kFewestCalls = 24;  // of a model larger than L3, which takes milliseconds
inline constexpr std::uint64_t kFewestWarmCalls = 4;
inline constexpr std::uint64_t kMostCalls = 20'000;

// One block of calls, each between two readings of the clock, for about `seconds`: the central of them, ns, the timer
// in it. A quarter of that time first goes into calls that are not timed. 0 when interrupted.
template <class Call>
double central_of_block(const tickmlp_clock& clock, double seconds, Call&& call) {
  const auto elapsed = [start = std::chrono::steady_clock::now()] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  tickmlp_recorder recorder;
  tickmlp_recorder_reset(&recorder);
  std::uint64_t warm_calls = 0;
  while (warm_calls < kFewestWarmCalls || elapsed() < seconds / 4) {
    for (int i = 0; i < (warm_calls < 16 ? 1 : 16); ++i, ++warm_calls) call();
    if (g_interrupt_signal != 0) return 0;
  }
  const double per_call = elapsed() / static_cast<double>(warm_calls);
  auto calls = static_cast<std::uint64_t>(0.75 * seconds / per_call);
  calls = calls < kFewestCalls ? kFewestCalls : calls > kMostCalls ? kMostCalls : calls;
  for (std::uint64_t i = 0; i < calls; ++i) {
    const std::uint64_t begin = tickmlp_clock_begin();
    call();
    const std::uint64_t end = tickmlp_clock_end();
    if (end >= begin) tickmlp_recorder_record(&recorder, tickmlp_clock_ns(&clock, end - begin));
    if (g_interrupt_signal != 0) return 0;
  }
  return tickmlp_recorder_central(&recorder);
}

}  // namespace tickmlp::bench
#endif
