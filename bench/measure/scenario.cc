// SPDX-License-Identifier: Apache-2.0
#include "measure/scenario.h"

#include <algorithm>
#include <charconv>

#include "cli.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

const std::vector<Scenario>& hot_and_cold() {
  static const std::vector<Scenario> all{{"hot"},
                                         {"spaced-1us", 1'000},
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
  std::string names = "all";
  for (const Scenario& scenario : hot_and_cold()) names += ", " + scenario.name;
  return names + ", response-constant-RATE, response-poisson-RATE (1k to 1m a second), sessions-N (2 to 1024)";
}

// "10k", "1m", "2500"; 0 when it is no number in low .. high.
std::uint64_t parse_count(const std::string& text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const std::uint64_t factor = unit.empty() ? 1 : unit == "k" ? 1'000 : unit == "m" ? 1'000'000 : 0;
  if (error != std::errc() || factor == 0 || value > high / factor) return 0;
  return value * factor < low ? 0 : value * factor;
}

// "10k" for 10,000, whatever it was written as, so that one rate has one name.
std::string short_count(std::uint64_t value) {
  if (value % 1'000'000 == 0) return std::to_string(value / 1'000'000) + "m";
  return value % 1'000 == 0 ? std::to_string(value / 1'000) + "k" : std::to_string(value);
}

bool begins_with(const std::string& text, const std::string& head, std::string* rest) {
  if (text.rfind(head, 0) != 0) return false;
  *rest = text.substr(head.size());
  return true;
}

// The scenarios of one name; empty when there are none.
std::vector<Scenario> scenarios_named(const std::string& name) {
  if (name == "all") return hot_and_cold();
  for (const Scenario& scenario : hot_and_cold())
    if (scenario.name == name) return {scenario};
  std::string rest;
  Scenario scenario;
  if (begins_with(name, "sessions-", &rest)) {
    scenario.sessions = parse_count(rest, 2, kMostAtOnce);
    scenario.name = "sessions-" + std::to_string(scenario.sessions);
    return scenario.sessions == 0 ? std::vector<Scenario>() : std::vector{scenario};
  }
  for (const auto& [head, arrivals] :
       {std::pair{"response-constant-", Arrivals::kConstant}, {"response-poisson-", Arrivals::kPoisson}}) {
    if (!begins_with(name, head, &rest)) continue;
    scenario.arrivals = arrivals;
    scenario.rate_per_s = parse_count(rest, kSlowestRate, kFastestRate);
    scenario.name = head + short_count(scenario.rate_per_s);
    return scenario.rate_per_s == 0 ? std::vector<Scenario>() : std::vector{scenario};
  }
  return {};
}

}  // namespace

std::string parse_scenarios(const std::string& text, std::vector<Scenario>* scenarios) {
  const auto add = [&](const Scenario& scenario) {
    const auto same = [&](const Scenario& other) { return other.name == scenario.name; };
    if (std::none_of(scenarios->begin(), scenarios->end(), same)) scenarios->push_back(scenario);
  };
  add(hot_and_cold().front());
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string name = text.substr(begin, end - begin);
    begin = end + 1;
    const std::vector<Scenario> named = scenarios_named(name);
    if (named.empty()) return "\"" + printable(name) + "\": expected one or more of " + known_names();
    for (const Scenario& scenario : named) add(scenario);
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
  if (scenario.several()) return std::to_string(scenario.sessions) + " sessions at once, hot";
  if (scenario.paced())
    return "response at " + with_commas(scenario.rate_per_s) + " a second, " +
           (scenario.arrivals == Arrivals::kPoisson ? "Poisson" : "constant") + " arrivals";
  if (scenario.gap_ns == 0) return "hot";
  const std::string spaced = "spaced by " + describe_ns(static_cast<double>(scenario.gap_ns));
  return scenario.touch_ns == 0 ? spaced
                                : spaced + ", touched each " + describe_ns(static_cast<double>(scenario.touch_ns));
}

}  // namespace tickmlp::bench
