// SPDX-License-Identifier: Apache-2.0
// What a call finds in the caches: the regimes that `tickmlp certify --scenario` takes.
#ifndef TICKMLP_BENCH_SCENARIO_H_
#define TICKMLP_BENCH_SCENARIO_H_
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

enum class Eviction { kNone, kFlush, kFlushData, kWalk };  // see evict.h

// A regime beside the hot one, which is always measured.
struct Scenario {
  std::string name;            // "spaced-10us"
  std::uint64_t gap_ns = 0;    // spaced: the clock is watched for so long before each call
  std::uint64_t touch_ns = 0;  // and the model touched at this interval meanwhile; 0: not
  Eviction eviction = Eviction::kNone;
};

inline constexpr std::uint64_t kTouchNs = 50'000;
inline constexpr const char* kDefaultScenarios = "spaced-100us,evicted";

// "spaced-1us,evicted", "all" or "hot" (nothing beside it). Returns "" or what is wrong with the text.
std::string parse_scenarios(const std::string& text, std::vector<Scenario>* scenarios);

// "spaced by 10 us, touched each 50 us", "evicted".
std::string describe_scenario(const Scenario& scenario);

}  // namespace tickmlp::bench
#endif
