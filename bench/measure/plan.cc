// SPDX-License-Identifier: Apache-2.0
#include "measure/plan.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kWarmUp = 50'000;  // about 30 ms of the tactical model: caches, branches, clock boost
constexpr double kWarmUpSeconds = 0.25;    // a large model is warm after fewer calls
constexpr std::size_t kMostSessions = 4;

constexpr const char* kQuick = "hot,spaced-100us,evicted,response-constant-10k,response-poisson-100k";
constexpr const char* kEverything =
    "all,response-constant-1k,response-constant-10k,response-constant-100k,response-constant-1m,response-poisson-1k,"
    "response-poisson-10k,response-poisson-100k,response-poisson-1m";

std::vector<Scenario> scenarios_of(std::string names, std::size_t sessions) {
  if (sessions > 1) names += ",sessions-" + std::to_string(std::min(sessions, kMostSessions));
  std::vector<Scenario> list;
  parse_scenarios(names, &list);
  return list;
}

}  // namespace

std::vector<Plan> suite_plan(const std::string& name, std::size_t cores) {
  if (name == "quick") return {{name, 5, 200'000, 4, 0.5, 0.5, kWarmUp, kWarmUpSeconds, scenarios_of(kQuick, 1)}};
  if (name == "standard")
    return {{name, 5, 1'000'000, 8, 1.0, 1.0, kWarmUp, kWarmUpSeconds, scenarios_of(kEverything, cores)}};
  if (name == "full")
    return {{name, 10, 10'000'000, 16, 14.0, 12.0, kWarmUp, kWarmUpSeconds, scenarios_of(kEverything, cores)}};
  return {};
}

std::vector<std::string> planned_scenarios(const Plan& plan, bool ticks) {
  std::vector<std::string> ids;
  for (const Scenario& scenario : plan.scenarios) {
    ids.push_back("full-" + scenario.name);
    if (ticks) ids.push_back("tick-" + scenario.name);
  }
  return ids;
}

}  // namespace tickmlp::bench
