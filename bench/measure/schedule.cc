// SPDX-License-Identifier: Apache-2.0
#include "measure/schedule.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace tickmlp::bench {

const char* arrivals_name(Arrivals arrivals) { return arrivals == Arrivals::kConstant ? "constant" : "poisson"; }

Schedule::Schedule(Arrivals arrivals, double per_second, std::size_t count, double ns_per_tick, std::uint64_t seed)
    : ticks_(count) {
  const double gap = 1e9 / per_second / ns_per_tick;
  std::mt19937_64 random(seed);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;  // in [0, 1), 53 bits
    sum = arrivals == Arrivals::kConstant ? gap * static_cast<double>(i + 1) : sum - std::log1p(-uniform) * gap;
    ticks_[i] = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(sum)));
  }
}

}  // namespace tickmlp::bench
