// SPDX-License-Identifier: Apache-2.0
// The circumstances in which calls are timed, as `tickmlp certify --scenario` names them.
#ifndef TICKMLP_BENCH_SCENARIO_H_
#define TICKMLP_BENCH_SCENARIO_H_
#include <cstdint>
#include <string>
#include <vector>

#include "measure/schedule.h"

namespace tickmlp::bench {

enum class Eviction { kNone, kFlush, kFlushData, kWalk };  // see evict.h

struct Scenario {
  std::string name;            // "hot", "spaced-10us", "response-poisson-100k"
  std::uint64_t gap_ns = 0;    // spaced: the clock is watched for so long before each call
  std::uint64_t touch_ns = 0;  // and the model touched at this interval meanwhile; 0: not
  Eviction eviction = Eviction::kNone;
  std::uint64_t rate_per_s = 0;  // of planned arrivals; 0: calls are not paced
  Arrivals arrivals = Arrivals::kConstant;
  std::uint64_t sessions = 1;  // at once, each on a core of its own

  bool cold() const { return gap_ns != 0 || eviction != Eviction::kNone; }
  bool paced() const { return rate_per_s != 0; }
  bool several() const { return sessions > 1; }
  bool hot() const { return !cold() && !paced() && !several(); }
};

inline constexpr std::uint64_t kTouchNs = 50'000;
inline constexpr std::uint64_t kSlowestRate = 1'000, kFastestRate = 1'000'000;  // arrivals a second
inline constexpr std::uint64_t kMostAtOnce = 1'024;                             // sessions

// "spaced-1us,response-poisson-100k", "all" (hot and every cold one) or "hot" (which is always there, and first).
// Returns "" or what is wrong with the text.
std::string parse_scenarios(const std::string& text, std::vector<Scenario>* scenarios);

// "spaced by 10 us, touched each 50 us", "evicted".
std::string describe_scenario(const Scenario& scenario);

}  // namespace tickmlp::bench
#endif
