// SPDX-License-Identifier: Apache-2.0
#include "measure/scenario.h"

#include <algorithm>

#include "certify/budget.h"
#include "cli.h"

namespace tickmlp::bench {
namespace {

const std::vector<Scenario>& every_scenario() {
  static const std::vector<Scenario> all{{"spaced-1us", 1'000},
                                         {"spaced-10us", 10'000},
                                         {"spaced-100us", 100'000},
                                         {"spaced-1ms", 1'000'000},
                                         {"spaced-10ms", 10'000'000},
                                         {"touched-1ms", 1'000'000, kTouchNs},
                                         {"touched-10ms", 10'000'000, kTouchNs},
                                         {"evicted", 0, 0, Eviction::kFlush},
                                         {"evicted-data", 0, 0, Eviction::kFlushData},
                                         {"evicted-walk", 0, 0, Eviction::kWalk}};
  return all;
}

std::string known_names() {
  std::string names = "hot, all";
  for (const Scenario& scenario : every_scenario()) names += ", " + scenario.name;
  return names;
}

}  // namespace

std::string parse_scenarios(const std::string& text, std::vector<Scenario>* scenarios) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    begin = end + 1;
    bool known = name == "hot" || name == "all";
    for (const Scenario& scenario : every_scenario()) {
      if (name != "all" && name != scenario.name) continue;
      known = true;
      const auto same = [&](const Scenario& other) { return other.name == scenario.name; };
      if (std::none_of(scenarios->begin(), scenarios->end(), same)) scenarios->push_back(scenario);
    }
    if (!known) return "\"" + printable(name) + "\": expected one or more of " + known_names();
  }
  return "";
}

std::string describe_scenario(const Scenario& scenario) {
  switch (scenario.eviction) {
    case Eviction::kNone: break;
    case Eviction::kFlush: return "evicted";
    case Eviction::kFlushData: return "evicted, code left";
    case Eviction::kWalk: return "evicted by a walk";
  }
  const std::string spaced = "spaced by " + describe_ns(static_cast<double>(scenario.gap_ns));
  return scenario.touch_ns == 0 ? spaced
                                : spaced + ", touched each " + describe_ns(static_cast<double>(scenario.touch_ns));
}

}  // namespace tickmlp::bench
