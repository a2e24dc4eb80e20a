// SPDX-License-Identifier: Apache-2.0
// What was measured. Three numbers that are never mixed, each in a section of its own.
#include "page/charts.h"
#include "page/html.h"
#include "page/page.h"
#include "page/result_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

enum Kind { kService, kCold, kResponse };

Kind kind_of(const json& scenario) {
  if (field(scenario, "kind") == "response") return kResponse;
  const json& cache = field(scenario, "cache");
  return field(scenario, "kind") == "spaced" || cache == "evicted" || cache == "spaced" ? kCold : kService;
}

bool of_path(const json& scenario, const char* path) { return field(scenario, "path") == path; }

std::string plain(const json& value) { return value.is_string() ? value.get<std::string>() : ""; }

std::vector<const json*> scenarios_of(const json& document, Kind kind) {
  std::vector<const json*> list;
  for (const json& scenario : field(document, "scenarios"))
    if (kind_of(scenario) == kind) list.push_back(&scenario);
  return list;
}

std::string colour(std::size_t index) { return "s" + std::to_string(index % 8); }

// One line for each scenario of a path.
std::vector<ChartSeries> series_of(const std::vector<const json*>& scenarios, const char* path) {
  std::vector<ChartSeries> series;
  for (const json* scenario : scenarios)
    if (of_path(*scenario, path))
      series.push_back(
          {plain(field(*scenario, "id")), plain(field(*scenario, "scenario")), colour(series.size()), scenario});
  return series;
}

void add_floors(const json& document, std::vector<ChartSeries>* series) {
  series->push_back({"floor-memory", "memory floor", "f0", &field(document, "floors", "memory")});
  series->push_back({"floor-timer", "timer floor", "f1", &field(document, "floors", "timer")});
}

// The hot scenarios of both paths, and several sessions where they were measured.
std::vector<ChartSeries> hot_series(const std::vector<const json*>& scenarios) {
  std::vector<ChartSeries> series;
  for (const json* scenario : scenarios) {
    const std::string path = plain(field(*scenario, "path")), regime = plain(field(*scenario, "scenario"));
    series.push_back({plain(field(*scenario, "id")), path + (regime == "hot" ? " path" : ", " + regime),
                      colour(series.size()), scenario});
  }
  return series;
}

std::string service_part(const json& document, const Evidence& evidence) {
  const auto scenarios = scenarios_of(document, kService);
  if (scenarios.empty()) return "";
  std::vector<ChartSeries> series = hot_series(scenarios), with_floors = series;
  add_floors(document, &with_floors);
  const double step = number(field(document, "clock", "step_ns")).value_or(1);
  std::string out = element("p", "",
                            "<strong>What one call takes when the next follows at once.</strong> Caches and "
                            "branch predictors are warm: the best the machine can do, not what a quiet "
                            "market sees.");
  out += percentile_chart("service-curve", "Latency by percentile, back to back", with_floors, evidence);
  out += histogram_chart("service-histogram", "Histogram of the same calls", with_floors, evidence, step);
  std::size_t index = 0;
  for (const ChartSeries& one : series) {
    if (one.label != "full path" && one.label != "tick path") continue;
    const bool full = one.label == "full path";
    const json& floor = field(document, "floors", full ? "memory" : "timer");
    const ChartSeries below{full ? "floor-memory" : "floor-timer", full ? "memory floor" : "timer floor",
                            full ? "f0" : "f1", &floor};
    out += epoch_chart("epochs-" + std::to_string(index++), "Epochs over time, " + one.label, {one, below}, evidence);
  }
  return section("service", "Service time, back to back", out + result_table("Service time, back to back", scenarios));
}

constexpr std::size_t kMostLines = 6;  // in one chart; above it the lines are split into two

// How the lines of a crowded chart are split: those of which a field has this value, and the others.
struct Split {
  const char *name, *value;
  std::string these, others;  // what the two charts are called
};

std::string chart_of_path(const std::string& id, const std::string& title, const std::vector<const json*>& scenarios,
                          const char* path, const Split& split, const Evidence& evidence) {
  const std::string full_title = title + ", " + path + " path";
  const std::vector<ChartSeries> all = series_of(scenarios, path);
  if (all.size() <= kMostLines) return percentile_chart(id + "-" + path, full_title, all, evidence);
  std::vector<const json*> these, others;
  for (const json* scenario : scenarios)
    (field(*scenario, split.name) == split.value ? these : others).push_back(scenario);
  return percentile_chart(id + "-others-" + path, full_title + ", " + split.others, series_of(others, path), evidence) +
         percentile_chart(id + "-these-" + path, full_title + ", " + split.these, series_of(these, path), evidence);
}

std::string both_paths(const std::string& id, const std::string& title, const std::vector<const json*>& scenarios,
                       const Split& split, const Evidence& evidence) {
  return chart_of_path(id, title, scenarios, "full", split, evidence) +
         chart_of_path(id, title, scenarios, "tick", split, evidence);
}

std::string cold_part(const json& document, const Evidence& evidence) {
  const auto scenarios = scenarios_of(document, kCold);
  if (scenarios.empty()) return "";
  std::string out =
      element("p", "",
              "<strong>What one call takes when it was not just made before.</strong> Spaced calls come after "
              "a gap, as in a quiet market; evicted ones find the model outside of the caches. The clock "
              "starts when the call begins, so that waiting is not in it.");
  out += both_paths("cold", "Latency by percentile, not hot", scenarios, {"cache", "evicted", "evicted", "after a gap"},
                    evidence);
  return section("cold", "Service time, with gaps and cold caches",
                 out + result_table("Service time, with gaps and cold caches", scenarios));
}

std::string response_part(const json& document, const Evidence& evidence) {
  const auto scenarios = scenarios_of(document, kResponse);
  if (scenarios.empty()) return "";
  std::string out = element("p", "",
                            "<strong>How long after its planned arrival an event was answered.</strong> Waiting behind "
                            "earlier events counts (no coordinated omission). Beyond 0.9 of the capacity there is no "
                            "steady state: such a row says saturated and has no percentiles.");
  out += both_paths("response", "Response time by percentile", scenarios,
                    {"arrivals", "poisson", "Poisson arrivals", "constant arrivals"}, evidence);
  return section("response", "Response time, under a schedule",
                 out + result_table("Response time, under a schedule", scenarios));
}

}  // namespace

std::string results_part(const json& document, const Evidence& evidence) {
  const std::string out =
      service_part(document, evidence) + cold_part(document, evidence) + response_part(document, evidence);
  return out.empty() ? section("service", "What was measured", element("p", "", "Nothing: no scenario was run.")) : out;
}

}  // namespace tickmlp::bench
