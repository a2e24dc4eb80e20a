// SPDX-License-Identifier: Apache-2.0
#include "swap/series.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "measure/statistics.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

double percentile(const tickmlp_recorder& recorder, std::uint64_t numerator, std::uint64_t denominator) {
  return static_cast<double>(tickmlp_recorder_percentile(&recorder, numerator, denominator));
}

double of(const tickmlp_recorder (&block)[2], std::uint64_t numerator, std::uint64_t denominator) {
  return percentile(block[1], numerator, denominator) / percentile(block[0], numerator, denominator);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double four_decimals(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

TwoWays::TwoWays(const char* its_name) : name(its_name) {
  for (tickmlp_recorder* recorder : {&without, &with}) tickmlp_recorder_reset(recorder);
}

void TwoWays::begin_epoch() {
  for (tickmlp_recorder& recorder : block) tickmlp_recorder_reset(&recorder);
}

void TwoWays::end_epoch() {
  tickmlp_recorder_merge(&without, &block[0]);
  tickmlp_recorder_merge(&with, &block[1]);
  p99.push_back(of(block, 99, 100));
  p99_9.push_back(of(block, 999, 1000));
}

std::vector<std::string> cells(const std::string& name, const tickmlp_recorder& recorder) {
  std::vector<std::string> row{name, with_commas(recorder.count), fixed_point(tickmlp_recorder_central(&recorder), 1)};
  for (const std::string wanted : {"p50", "p99", "p99.9", "p99.99"})
    for (const Percentile& percentile : kPercentiles)
      if (percentile.name == wanted) {
        const auto figure = figure_of(recorder, percentile);
        row.push_back(figure ? with_commas(figure->value) : "-");
      }
  row.push_back(recorder.count != 0 ? with_commas(recorder.maximum) : "-");
  return row;
}

std::vector<std::string> heading(const std::vector<std::string>& more) {
  std::vector<std::string> row{"ns", "calls", "central", "p50", "p99", "p99.9", "p99.99", "max"};
  row.insert(row.end(), more.begin(), more.end());
  return row;
}

std::string ratio(const std::vector<double>& ratios) {
  const Interval interval = epoch_interval(ratios);
  return fixed_point(median(ratios), 3) + " (" + fixed_point(interval.low, 3) + "-" + fixed_point(interval.high, 3) +
         ")";
}

json ratio_json(const std::vector<double>& ratios) {
  const Interval interval = epoch_interval(ratios);
  return {{"median", four_decimals(median(ratios))},
          {"low_95", four_decimals(interval.low)},
          {"high_95", four_decimals(interval.high)}};
}

json ratios_json(const TwoWays& series) {
  const tickmlp_recorder& with = series.with;
  const tickmlp_recorder& without = series.without;
  return {{"p99", ratio_json(series.p99)},
          {"p99_9", ratio_json(series.p99_9)},
          {"p99_pooled", four_decimals(percentile(with, 99, 100) / percentile(without, 99, 100))},
          {"p99_9_pooled", four_decimals(percentile(with, 999, 1000) / percentile(without, 999, 1000))}};
}

void choose_cores(int* hot, int* other) {
  if (*hot < 0) *hot = last_allowed_core();
  if (*other >= 0) return;
  *other = *hot;
  for (const int core : allowed_cores())
    if (core != *hot && *other == *hot) *other = core;
}

}  // namespace tickmlp::bench
