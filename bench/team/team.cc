// SPDX-License-Identifier: Apache-2.0
// `tickmlp team`: what one, two, three, ... cores take for one inference, and how often a member was late.
#include "team/team.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "commands.h"
#include "output_file.h"
#include "measure/statistics.h"
#include "report_frame.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<std::string> cells(const std::string& name, const tickmlp_recorder& recorder) {
  std::vector<std::string> row{name, fixed_point(tickmlp_recorder_central(&recorder), 1)};
  for (const std::string wanted : {"p50", "p99", "p99.9"})
    for (const Percentile& percentile : kPercentiles)
      if (percentile.name == wanted) {
        const auto figure = figure_of(recorder, percentile);
        row.push_back(figure ? with_commas(figure->value) : "-");
      }
  row.push_back(recorder.count != 0 ? with_commas(recorder.maximum) : "-");
  return row;
}

std::string table(const TeamMeasurement& measured, const tickmlp_model_info& info, const TeamPlan& plan) {
  std::string cores;
  for (const int core : plan.cores) cores += (cores.empty() ? "" : ",") + std::to_string(core);
  std::string text = std::string(info.name) + ", " + dtype_name(info.type) + ", " + info.kernel + ", " +
                     std::to_string(info.lanes) + " lanes, " + with_commas(info.weight_bytes) + " bytes of weights\n" +
                     "cores " + cores + ", deadline " + with_commas(plan.deadline_ns) + " ns, " +
                     with_commas(measured.rows[0].series.recorder.count) + " samples a row in " +
                     std::to_string(measured.epochs) + " epochs\n\n";
  std::vector<std::vector<std::string>> rows{
      {"ns", "central", "p50", "p99", "p99.9", "max", "of one core", "95 %", "alone", "late"}};
  rows.push_back(cells("timer floor", measured.timer.recorder));
  rows.push_back(cells("memory floor, one core", measured.memory.recorder));
  if (measured.round_trip.recorder.count != 0)
    rows.push_back(cells("a flag there and back", measured.round_trip.recorder));
  for (std::size_t i = 0; i < measured.rows.size(); ++i) {
    const TeamRow& row = measured.rows[i];
    rows.push_back(cells(i == 0 ? "1 core" : std::to_string(i + 1) + " cores", row.series.recorder));
    if (i == 0) continue;
    const Interval interval = epoch_interval(row.ratios);
    rows.back().push_back(fixed_point(median(row.ratios), 3));
    rows.back().push_back(fixed_point(interval.low, 3) + "-" + fixed_point(interval.high, 3));
    rows.back().push_back(with_commas(row.counters.alone));
    rows.back().push_back(with_commas(row.counters.late));
  }
  return text + columns(rows, 2, 1) +
         "\nThe timer is in every figure. of one core: median of the epochs' ratios of central. alone: calls in which "
         "the\n"
         "caller computed lanes of a member that was late or still away; late: times that one missed the deadline.\n" +
         (measured.mismatch.empty() ? "Every output compared has the golden bits.\n"
                                    : "WRONG RESULTS with " + measured.mismatch + "\n");
}

json row_json(const TeamRow& row, std::size_t cores) {
  json out = figures(row.series.recorder);
  const Interval interval = epoch_interval(row.ratios);
  const auto ratio = [](double value) { return std::round(value * 1e4) / 1e4; };
  out["cores"] = cores;
  out["of_one_core"] = ratio(median(row.ratios));
  out["of_one_core_95"] = {ratio(interval.low), ratio(interval.high)};
  if (cores > 1)
    out["counters"] = {{"inferences", row.counters.inferences},
                       {"alone", row.counters.alone},
                       {"late", row.counters.late},
                       {"rejoined", row.counters.rejoined}};
  return out;
}

std::string report_text(const TeamMeasurement& measured, const tickmlp_model_info& info, const TeamPlan& plan,
                        const TeamOptions& options, const tickmlp_clock& clock) {
  json rows = json::array();
  for (std::size_t i = 0; i < measured.rows.size(); ++i) rows.push_back(row_json(measured.rows[i], i + 1));
  const ReportFrame frame{"tickmlp-team/0",  options.command,          info, clock, measured.epochs,
                          measured.compared, measured.mismatch.empty()};
  return json_text(report_json(frame, {{"cores", plan.cores},
                                       {"deadline_ns", plan.deadline_ns},
                                       {"floors",
                                        {{"timer", figures(measured.timer.recorder)},
                                         {"memory", figures(measured.memory.recorder)},
                                         {"round_trip", figures(measured.round_trip.recorder)}}},
                                       {"teams", rows}}));
}

}  // namespace

int team(const TeamOptions& options) {
  catch_interrupts();
  if (!options.json.empty()) check_target(options.json, {options.blob});
  const tickmlp_clock clock = pin_and_calibrate(options.cores[0]);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const TeamPlan plan{options.cores, options.deadline_ns, options.samples, std::min(options.epochs, options.samples)};
  const TeamMeasurement measured = measure_teams(model, plan, choose_memory_floor(), clock);
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was reported"};
  if (!options.json.empty()) write_atomically(options.json, {report_text(measured, info, plan, options, clock)});
  print(table(measured, info, plan));
  flush_output();
  return measured.mismatch.empty() ? kPass : kFail;
}

}  // namespace tickmlp::bench
