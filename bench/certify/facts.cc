// SPDX-License-Identifier: Apache-2.0
// What only the run could know.
#include <algorithm>
#include <cmath>

#include "certify/document.h"

namespace tickmlp::bench {

using nlohmann::json;

json decimal(double value, int places) {
  if (!std::isfinite(value)) return nullptr;
  const double scale = std::pow(10, places), rounded = std::round(value * scale) / scale;
  if (rounded == std::floor(rounded) && std::abs(rounded) < 9e15) return static_cast<std::int64_t>(rounded);
  return rounded;
}

json model_facts(const tickmlp_model_info& model, const std::string& blob) {
  json window;
  if (model.window_rows != 0) window = {{"rows", model.window_rows}, {"columns", model.window_columns}};
  return {{"name", model.name},
          {"dtype", dtype_name(model.type)},
          {"blob", blob},
          {"blob_sha256", hexadecimal(model.blob_sha256)},
          {"source_sha256", hexadecimal(model.source_sha256)},
          {"exporter", model.exporter},
          {"run_id", model.run_id},
          {"generation", model.generation},
          {"inputs", model.inputs},
          {"outputs", model.outputs},
          {"heads", model.heads},
          {"lanes", model.lanes},
          {"window", window},
          {"weight_bytes", model.weight_bytes},
          {"lock", lock_name(model.lock)}};
}

json correctness_facts(const Correctness& correctness) {
  return {{"equal_bits", correctness.equal()},
          {"golden_vectors", correctness.golden_vectors},
          {"scalar_kernel", correctness.scalar_kernel},
          {"states", correctness.states},
          {"tick_path", correctness.ticks},
          {"mismatch", correctness.equal() ? json() : json(correctness.mismatch)}};
}

json method_facts(const Plan& plan, const InputSet& input, const Measurement& measurement) {
  return {{"suite", plan.suite},
          {"runs", plan.runs},
          {"runs_finished", measurement.runs},
          {"samples", plan.samples},
          {"epochs", plan.epochs},
          {"epochs_finished", measurement.epochs},
          {"warm_up", plan.warm_up},
          {"chunk", kChunk},
          {"chunk_warm_up", kChunkWarmUp},
          {"order",
           "whole re-runs, the model loaded and warmed up anew in each; in each epoch one block of every floor and "
           "scenario, the first one rotating"},
          {"timed_region",
           "one call between tickmlp_clock_begin and tickmlp_clock_end, from float inputs to float outputs; the "
           "state's cache lines are read just before it; the timer is not subtracted. Response scenarios: from the "
           "planned arrival to the end of the call"},
          {"seconds", decimal(measurement.seconds)},
          {"input", {{"source", input.source}, {"states", input.states}, {"sha256", input.sha256}}}};
}

namespace {

json worst_facts(const ScenarioResult& result, const Measurement& measurement, const tickmlp_clock& clock) {
  json list = json::array();
  for (const WorstSample& sample : result.worst.sorted())
    list.push_back(
        {{"ns", sample.ns},
         {"at_ms", decimal(static_cast<double>(sample.ticks - measurement.begin_ticks) * clock.ns_per_tick / 1e6, 3)},
         {"run", sample.run},
         {"cause", sample.cause.empty() ? json() : json(sample.cause)}});
  return list;
}

const char* kind_of(const Scenario& scenario) {
  return scenario.paced() ? "response" : scenario.gap_ns != 0 ? "spaced" : "service";
}

const char* cache_of(const Scenario& scenario) {
  return scenario.eviction != Eviction::kNone ? "evicted" : scenario.gap_ns != 0 ? "spaced" : "hot";
}

// Of all re-runs; null where calls are not paced.
json response_facts(const ScenarioResult& result) {
  json facts{{"saturated", nullptr},           {"capacity_per_s", nullptr},  {"offered_per_s", nullptr},
             {"achieved_per_s", nullptr},      {"planned_misses", nullptr},  {"late_after_ns", nullptr},
             {"largest_lateness_ns", nullptr}, {"mean_lateness_ns", nullptr}};
  if (result.responses.empty()) return facts;
  std::uint64_t misses = 0, largest = 0, late_after = 0;
  double capacity = 0, offered = 0, achieved = 0, lateness = 0;
  for (const Response& response : result.responses) {
    misses += response.planned_misses;
    largest = std::max(largest, response.largest_lateness_ns);
    late_after = std::max(late_after, response.late_after_ns);
    capacity += response.capacity_per_s, offered += response.offered_per_s, achieved += response.achieved_per_s;
    lateness += response.mean_lateness_ns;
  }
  const auto mean = [&](double sum, int places) {
    return decimal(sum / static_cast<double>(result.responses.size()), places);
  };
  facts["saturated"] = result.saturated();
  facts["capacity_per_s"] = mean(capacity, 0);
  if (result.saturated()) return facts;
  facts.update({{"offered_per_s", mean(offered, 0)},
                {"achieved_per_s", mean(achieved, 0)},
                {"planned_misses", misses},
                {"late_after_ns", late_after},
                {"largest_lateness_ns", largest},
                {"mean_lateness_ns", mean(lateness, 2)}});
  return facts;
}

json null_if_0(std::uint64_t value) { return value == 0 ? json() : json(value); }

}  // namespace

json identity_of(const std::string& id) {
  const std::string path = id.substr(0, id.find('-')), regime = id.substr(std::min(path.size() + 1, id.size()));
  std::vector<Scenario> scenarios;
  const bool one = (path == "full" || path == "tick") && regime != "all" && regime.find(',') == regime.npos;
  if (!one || !parse_scenarios(regime, &scenarios).empty()) return json::object();
  const Scenario& asked = scenarios.back();  // the hot one is always there
  return {{"name", path + " path, " + describe_scenario(asked)},
          {"scenario", asked.name},
          {"kind", kind_of(asked)},
          {"path", path},
          {"cache", cache_of(asked)},
          {"gap_ns", null_if_0(asked.gap_ns)},
          {"touch_ns", null_if_0(asked.touch_ns)},
          {"rate_per_s", null_if_0(asked.rate_per_s)},
          {"arrivals", asked.paced() ? json(arrivals_name(asked.arrivals)) : json()},
          {"sessions", asked.sessions}};
}

json scenario_facts(const Measurement& measurement, const tickmlp_clock& clock) {
  json list = json::array();
  for (const ScenarioResult& result : measurement.scenarios) {
    const bool flushed = result.way == Eviction::kFlush || result.way == Eviction::kFlushData;
    json scenario{{"id", result.id},
                  {"eviction", result.way == Eviction::kNone ? json() : json(flushed ? "flush" : "walk")},
                  {"page_faults", result.page_faults},
                  {"involuntary_switches", result.involuntary_switches},
                  {"worst", worst_facts(result, measurement, clock)}};
    scenario.update(identity_of(result.id));
    scenario.update(response_facts(result));
    list.push_back(scenario);
  }
  return list;
}

json audit_facts(const std::vector<AuditRow>& rows) {
  json list = json::array();
  for (const AuditRow& row : rows)
    list.push_back({{"name", row.name},
                    {"grade", grade_name(row.grade)},
                    {"seen", row.seen},
                    {"why", row.why},
                    {"mend", row.mend},
                    {"forcing", row.forcing}});
  return list;
}

json budget_facts(const std::vector<Budget>& budgets) {
  json list = json::array();
  for (const Budget& budget : budgets)
    list.push_back({{"scenario", budget.scenario}, {"figure", budget.figure}, {"budget_ns", decimal(budget.ns)}});
  return list;
}

json counter_facts(const Measurement& measurement) {
  return {{"inferences", measurement.counters.inferences}, {"refused", measurement.counters.refused},
          {"clipped", measurement.counters.clipped},       {"flushed", measurement.counters.flushed},
          {"page_faults", measurement.page_faults},        {"involuntary_switches", measurement.involuntary_switches},
          {"clock_backwards", measurement.backwards}};
}

}  // namespace tickmlp::bench
