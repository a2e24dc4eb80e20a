// SPDX-License-Identifier: Apache-2.0
#include "certify/figures.h"

#include "certify/document.h"
#include "measure/statistics.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// On the command line and in the certificate.
struct Name {
  std::string figure, field;
};

const std::vector<Name>& figure_fields() {
  static const std::vector<Name> names = [] {
    std::vector<Name> list{{"central", "central_ns"}, {"mean", "mean_ns"}, {"min", "min_ns"}, {"max", "max_ns"}};
    for (const Percentile& percentile : kPercentiles) list.push_back({percentile.name, percentile.field});
    return list;
  }();
  return names;
}

}  // namespace

json plain_figures(const tickmlp_recorder& recorder) {
  json out{{"count", recorder.count}};
  for (const Name& name : figure_fields()) {
    const auto value = figure_value(recorder, name.figure);
    out[name.field] = value ? decimal(*value) : json();
  }
  return out;
}

namespace {

json interval_json(const std::optional<Interval>& interval) {
  return interval ? json::array({decimal(interval->low), decimal(interval->high)}) : json();
}

json max_to_median(const tickmlp_recorder& recorder) {
  const auto median = figure_value(recorder, "p50"), most = figure_value(recorder, "max");
  return median && most && *median > 0 ? decimal(*most / *median, 4) : json();
}

}  // namespace

json figures_of(const Summary& summary) {
  json out = plain_figures(summary.all), runs = json::array(), epochs = json::array();
  json intervals = json::object(), ranges = json::object();
  for (const tickmlp_recorder& run : summary.runs) runs.push_back(plain_figures(run));
  for (const Name& name : figure_fields()) {
    intervals[name.field] = interval_json(sample_interval(summary, name.figure));
    ranges[name.field] = interval_json(run_range(summary, name.figure));
  }
  for (const std::vector<double>& run : summary.epoch_central_ns) {
    json centrals = json::array();
    for (const double central : run) centrals.push_back(decimal(central));
    epochs.push_back(centrals);
  }
  out.update({{"beyond_range", summary.all.beyond},
              {"deviation_ns", summary.all.count > 0 ? decimal(moments_of(summary.all).deviation) : json()},
              {"max_to_median", max_to_median(summary.all)},
              {"intervals_95", intervals},
              {"run_figures", runs},
              {"run_range", ranges},
              {"epoch_central_ns", epochs},
              {"epoch_spread", decimal(epoch_spread(summary), 4)}});
  return out;
}

}  // namespace tickmlp::bench
