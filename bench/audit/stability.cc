// SPDX-License-Identifier: Apache-2.0
#include "audit/stability.h"

#include <algorithm>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr int kChain = 4096, kTries = 5;  // 4,096 multiplications of 3 cycles: 4.7 us at 2.6 GHz, 470 clock steps

inline void multiply_once(std::uint64_t* value) {
#if defined(__x86_64__)
  __asm__ volatile("imulq %0, %0" : "+r"(*value));
#else
  __asm__ volatile("mul %0, %0, %0" : "+r"(*value));
#endif
}

}  // namespace

void watch_jitter(const tickmlp_clock& clock, double seconds, tickmlp_recorder* gaps) {
  const auto span = static_cast<std::uint64_t>(seconds * 1e9 / clock.ns_per_tick);
  const std::uint64_t start = tickmlp_clock_begin();
  for (std::uint64_t last = start; last - start < span && g_interrupt_signal == 0;) {
    const std::uint64_t now = tickmlp_clock_begin();
    if (now >= last) tickmlp_recorder_record(gaps, tickmlp_clock_ns(&clock, now - last));
    last = now;
  }
}

double time_fixed_work(const tickmlp_clock& clock) {
  std::uint64_t best = UINT64_MAX, value = 3;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t begin = tickmlp_clock_begin();
    for (int k = 0; k < kChain; ++k) multiply_once(&value);
    best = std::min(best, tickmlp_clock_end() - begin);
  }
  return static_cast<double>(best) * clock.ns_per_tick;
}

double relative_spread(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most / *least - 1;
}

}  // namespace tickmlp::bench
