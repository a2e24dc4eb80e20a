// SPDX-License-Identifier: Apache-2.0
#include "certify/figures.h"

#include <algorithm>

#include "certify/document.h"
#include "measure/statistics.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// The figures that any recorder gives.
json plain_figures(const tickmlp_recorder& recorder) {
  const bool any = recorder.count > 0;
  json out{{"count", recorder.count},
           {"min_ns", any ? json(recorder.minimum) : json()},
           {"max_ns", any ? json(recorder.maximum) : json()},
           {"central_ns", any ? decimal(tickmlp_recorder_central(&recorder)) : json()}};
  for (const Percentile& percentile : kPercentiles) {
    const auto figure = figure_of(recorder, percentile);
    out[percentile.field] = figure ? json(figure->value) : json();
  }
  return out;
}

json intervals_of(const tickmlp_recorder& recorder) {
  json out = json::object();
  for (const Percentile& percentile : kPercentiles) {
    const auto figure = figure_of(recorder, percentile);
    out[percentile.field] = figure ? json({static_cast<std::uint64_t>(figure->interval.low),
                                           static_cast<std::uint64_t>(figure->interval.high)})
                                   : json();
  }
  return out;
}

// Of each figure that every re-run has: the least and the largest.
json range_of(const json& runs) {
  json out = json::object();
  if (runs.empty()) return out;
  for (const auto& [name, first] : runs.front().items()) {
    if (name == "count") continue;
    const auto known = [&, &key = name](const json& run) { return !run.at(key).is_null(); };
    if (!std::all_of(runs.begin(), runs.end(), known)) {
      out[name] = nullptr;
      continue;
    }
    const auto less = [&, &key = name](const json& a, const json& b) { return a.at(key) < b.at(key); };
    const auto [least, most] = std::minmax_element(runs.begin(), runs.end(), less);
    out[name] = json::array({least->at(name), most->at(name)});
  }
  return out;
}

}  // namespace

std::unique_ptr<tickmlp_recorder> merged(const Run& run) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const TimedBlock& block : run) add_to(block.histogram, recorder.get());
  return recorder;
}

std::unique_ptr<tickmlp_recorder> merged(const SeriesEvidence& series) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const Run& run : series.runs) tickmlp_recorder_merge(recorder.get(), merged(run).get());
  return recorder;
}

json figures_of(const SeriesEvidence& series) {
  const auto all = merged(series);
  json out = plain_figures(*all), runs = json::array(), epochs = json::array();
  for (const Run& run : series.runs) {
    if (run.empty()) continue;
    runs.push_back(plain_figures(*merged(run)));
    json centrals = json::array();
    for (const TimedBlock& block : run) {
      tickmlp_recorder one;
      tickmlp_recorder_reset(&one);
      add_to(block.histogram, &one);
      centrals.push_back(decimal(tickmlp_recorder_central(&one)));
    }
    epochs.push_back(centrals);
  }
  out["beyond_range"] = all->beyond;
  out["intervals_95"] = intervals_of(*all);
  out["epoch_central_ns"] = epochs;
  out["run_range"] = range_of(runs);
  out["run_figures"] = runs;
  return out;
}

}  // namespace tickmlp::bench
