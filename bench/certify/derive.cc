// SPDX-License-Identifier: Apache-2.0
// What follows from the facts and the evidence. No clock, no file, no machine: the same in, the same out.
#include "audit/stability.h"
#include "certify/document.h"
#include "certify/figures.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

Summary summary_of(const Evidence& evidence, const std::string& id) {
  const auto found = evidence.find(id);
  return summarise(found == evidence.end() ? SeriesEvidence() : found->second);
}

json figures(const Evidence& evidence, const std::string& id) { return figures_of(summary_of(evidence, id)); }

json jitter_figures(const Evidence& evidence, const std::string& id) {
  const Summary summary = summary_of(evidence, id);
  json out = figures_of(summary);
  out["above_1us"] = count_above(summary.all, kLongGapNs);
  return out;
}

void derive_floors(const Evidence& evidence, json* floors) {
  (*floors)["timer"] = figures(evidence, "floor-timer");
  (*floors)["memory"] = figures(evidence, "floor-memory");
  (*floors)["jitter"] = jitter_figures(evidence, "floor-jitter");
  (*floors)["timer_ns"] = (*floors)["timer"]["central_ns"];
  (*floors)["memory_ns"] = (*floors)["memory"]["central_ns"];
  for (const std::string when : {"before", "after"})
    (*floors)[when] = {{"timer", figures(evidence, "floor-timer-" + when)},
                       {"memory", figures(evidence, "floor-memory-" + when)},
                       {"jitter", jitter_figures(evidence, "floor-jitter-" + when)}};
}

// central_ns of a over that of b, the timer's taken off both; null when it cannot be told.
json ratio(const json& floors, const json& a, const json& b) {
  if (!a.is_number() || !b.is_number() || !floors.at("timer_ns").is_number()) return nullptr;
  const double timer = floors.at("timer_ns"), below = b.get<double>() - timer;
  return below > 0 ? decimal((a.get<double>() - timer) / below, 4) : json();
}

json central_of(const json& scenarios, const std::string& id) {
  for (const json& scenario : scenarios)
    if (scenario.at("id") == id) return scenario.at("central_ns");
  return nullptr;
}

json ratios_of(const json& document) {
  const json &floors = document.at("floors"), &scenarios = document.at("scenarios");
  const json full = central_of(scenarios, "full-hot");
  return {{"full_to_memory_floor", ratio(floors, full, floors.at("memory_ns"))},
          {"tick_to_full", ratio(floors, central_of(scenarios, "tick-hot"), full)},
          {"tick_to_full_evicted",
           ratio(floors, central_of(scenarios, "tick-evicted"), central_of(scenarios, "full-evicted"))}};
}

}  // namespace

std::unique_ptr<tickmlp_recorder> all_gaps(const Evidence& evidence) {
  auto gaps = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(gaps.get());
  for (const char* series : {"floor-jitter-before", "floor-jitter", "floor-jitter-after"})
    if (const auto found = evidence.find(series); found != evidence.end())
      tickmlp_recorder_merge(gaps.get(), merged(found->second).get());
  return gaps;
}

void derive(const Evidence& evidence, json* document) {
  derive_floors(evidence, &document->at("floors"));
  for (json& scenario : document->at("scenarios")) {
    scenario.update(identity_of(scenario.at("id")));
    scenario.update(figures(evidence, scenario.at("id")));
  }
  (*document)["ratios"] = ratios_of(*document);
  for (json& other : document->at("comparators").get_ref<json::array_t&>()) {
    other.update(figures(evidence, other.at("id")));
    other["ratio_to_full"] =
        ratio(document->at("floors"), other.at("central_ns"), central_of(document->at("scenarios"), "full-hot"));
  }
  if (json& soak = document->at("soak"); !soak.is_null()) {
    const auto series = evidence.find(kSoakId);
    soak = soak_json(read_soak(soak, budgets_of(document->at("budgets")),
                               series == evidence.end() ? SeriesEvidence() : series->second));
  }
  derive_verdict(evidence, document);
}

}  // namespace tickmlp::bench
