// SPDX-License-Identifier: Apache-2.0
// When calls are due: arrivals planned before anything is timed.
#ifndef TICKMLP_BENCH_SCHEDULE_H_
#define TICKMLP_BENCH_SCHEDULE_H_
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tickmlp::bench {

enum class Arrivals { kConstant, kPoisson };
const char* arrivals_name(Arrivals arrivals);  // "constant", "poisson"

// The planned arrivals of one period, in clock ticks, all computed by the constructor: 8 bytes each, of which a call
// reads the next one. Whoever needs more than a period begins it again, each time period() later. The first arrival
// comes one gap after the begin, the last one at period().
// Poisson gaps are -log1p(-u) / rate with u from std::mt19937_64: the standard fixes that generator and leaves
// std::exponential_distribution to each library. What is left to the machine is the last bit of log1p, so that one
// arrival in some 10^12 may fall one tick apart.
class Schedule {
 public:
  // per_second and ns_per_tick above 0, count at least 1. Load time: 20 ns an arrival.
  Schedule(Arrivals arrivals, double per_second, std::size_t count, double ns_per_tick, std::uint64_t seed);
  std::size_t count() const { return ticks_.size(); }
  std::uint64_t operator[](std::size_t i) const { return ticks_[i]; }  // since the period's begin, ascending
  std::uint64_t period() const { return ticks_.back(); }

 private:
  std::vector<std::uint64_t> ticks_;
};

// A place in a schedule that is gone through again and again.
struct ScheduleCursor {
  std::uint64_t origin;      // when this period began, in clock ticks
  std::size_t next = 0;      // which arrival comes
  std::uint64_t last = 0;    // the arrival before it, ticks since the first origin
  std::uint64_t passed = 0;  // whole periods, in ticks

  explicit ScheduleCursor(std::uint64_t now) : origin(now) {}
  std::uint64_t planned(const Schedule& schedule) const { return origin + schedule[next]; }
  void advance(const Schedule& schedule) {
    last = passed + schedule[next];
    if (++next < schedule.count()) return;
    next = 0;
    origin += schedule.period();
    passed += schedule.period();
  }
  // The plan's clock stood still for so long: for work between two stretches that no user would have waited for.
  void pause(std::uint64_t ticks) { origin += ticks; }
};

}  // namespace tickmlp::bench
#endif
