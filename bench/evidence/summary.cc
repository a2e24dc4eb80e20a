// SPDX-License-Identifier: Apache-2.0
#include "evidence/summary.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

std::vector<double> joined(const std::vector<std::vector<double>>& runs) {
  std::vector<double> all;
  for (const std::vector<double>& run : runs) all.insert(all.end(), run.begin(), run.end());
  return all;
}

Interval hull(const Interval& a, const Interval& b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

}  // namespace

Summary summarise(const SeriesEvidence& series) {
  Summary summary;
  tickmlp_recorder_reset(&summary.all);
  for (const Run& run : series.runs) {
    tickmlp_recorder whole, epoch;
    tickmlp_recorder_reset(&whole);
    std::vector<double> central, mean;
    for (const TimedBlock& block : run) {
      tickmlp_recorder_reset(&epoch);
      add_to(block.histogram, &epoch);
      if (epoch.count == 0) continue;
      central.push_back(tickmlp_recorder_central(&epoch));
      mean.push_back(moments_of(epoch).mean);
      tickmlp_recorder_merge(&whole, &epoch);
    }
    if (whole.count == 0) continue;
    tickmlp_recorder_merge(&summary.all, &whole);
    summary.runs.push_back(whole);
    summary.epoch_central_ns.push_back(std::move(central));
    summary.epoch_mean_ns.push_back(std::move(mean));
  }
  return summary;
}

double epoch_spread(const Summary& summary) {
  const std::vector<double> epochs = joined(summary.epoch_central_ns);
  if (epochs.size() < 2) return 0;
  const auto [least, largest] = std::minmax_element(epochs.begin(), epochs.end());
  return *least > 0 ? *largest / *least - 1 : 0;
}

std::optional<Interval> run_range(const Summary& summary, std::string_view figure) {
  std::optional<Interval> range;
  for (const tickmlp_recorder& run : summary.runs) {
    const auto value = figure_value(run, figure);
    if (!value) return std::nullopt;
    range = range ? hull(*range, {*value, *value}) : Interval{*value, *value};
  }
  return range;
}

std::optional<Interval> sample_interval(const Summary& summary, std::string_view figure) {
  const auto value = figure_value(summary.all, figure);
  if (!value) return std::nullopt;
  if (figure == "central" || figure == "mean") {
    const Interval epochs = epoch_interval(joined(figure == "mean" ? summary.epoch_mean_ns : summary.epoch_central_ns));
    return hull({hundredths(epochs.low), hundredths(epochs.high)}, {*value, *value});
  }
  for (const Percentile& percentile : kPercentiles)
    if (figure == percentile.name) return figure_of(summary.all, percentile)->interval;
  return Interval{*value, *value};
}

std::optional<Interval> deciding_interval(const Summary& summary, std::string_view figure) {
  const auto samples = sample_interval(summary, figure), runs = run_range(summary, figure);
  if (!samples || !runs) return std::nullopt;
  return hull(*samples, *runs);
}

}  // namespace tickmlp::bench
