// SPDX-License-Identifier: Apache-2.0
#include "certify/comparators.h"

#include <algorithm>

#include "certify/reference.h"
#include "cli.h"

namespace tickmlp::bench {

using nlohmann::json;

json comparator_facts(const Opponents& opponents) {
  json list = json::array();
  for (const Opponent& one : opponents.ready)
    list.push_back({{"id", one.id},
                    {"system", one.system},
                    {"version", one.version},
                    {"dtype", one.dtype},
                    {"largest_difference_ppb", billionths(one.largest_difference)},
                    {"argmax_agreement_ppm", millionths(one.argmax_agreement)}});
  return list;
}

json skipped_facts(const Opponents& opponents) {
  json list = json::array();
  for (const SkippedOpponent& one : opponents.skipped)
    list.push_back({{"system", one.system}, {"why", printable(one.why)}});
  return list;
}

void add_results(const std::vector<ComparatorResult>& results, json* document) {
  json timed = json::array();
  for (json& one : document->at("comparators")) {
    const auto result = std::find_if(results.begin(), results.end(),
                                     [&](const ComparatorResult& other) { return one.at("id") == other.id; });
    const std::string why = result == results.end() ? "not timed: the run ended before" : printable(result->failure);
    if (!why.empty()) {
      (*document)["comparators_skipped"].push_back(
          {{"system", one.at("system").get<std::string>() + " " + one.at("dtype").get<std::string>()}, {"why", why}});
      continue;
    }
    one["page_faults"] = result->page_faults;
    one["involuntary_switches"] = result->involuntary_switches;
    timed.push_back(one);
  }
  (*document)["comparators"] = timed;
}

}  // namespace tickmlp::bench
