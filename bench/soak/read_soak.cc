// SPDX-License-Identifier: Apache-2.0
// A soak again from what was kept of it, so that whoever has certificate and evidence comes to the same figures.
#include <stdexcept>

#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

SoakInterval read_interval(const json& member, const Histogram& histogram) {
  SoakInterval interval{.begin_s = member.at("begin_s"),
                        .seconds = member.at("seconds"),
                        .calls = member.at("calls"),
                        .errors = member.at("errors"),
                        .resident_kb = member.at("resident_kb"),
                        .locked_kb = member.at("locked_kb"),
                        .page_faults = member.at("page_faults"),
                        .involuntary_switches = member.at("involuntary_switches")};
  if (!member.at("saturated").is_null()) {
    interval.planned_misses = member.at("planned_misses");
    interval.saturated = member.at("saturated");
  }
  tickmlp_recorder_reset(&interval.recorder);
  add_to(histogram, &interval.recorder);
  return interval;
}

SoakPlan read_plan(const json& member, const std::vector<Budget>& budgets) {
  SoakPlan plan{.seconds = member.at("wanted_s"),
                .interval_seconds = member.at("interval_wanted_s"),
                .tick = member.at("path") == "tick",
                .budgets = budgets_of_soak(budgets)};
  if (member.at("rate_per_s").is_null()) return plan;
  plan.per_second = member.at("rate_per_s");
  plan.arrivals =
      member.at("arrivals") == arrivals_name(Arrivals::kConstant) ? Arrivals::kConstant : Arrivals::kPoisson;
  return plan;
}

}  // namespace

std::vector<Budget> budgets_of_soak(const std::vector<Budget>& budgets) {
  std::vector<Budget> list;
  for (const Budget& budget : budgets)
    if (budget.scenario == kSoakId) list.push_back(budget);
  return list;
}

SoakResult read_soak(const json& member, const std::vector<Budget>& budgets, const SeriesEvidence& series) {
  SoakResult result;
  result.plan = read_plan(member, budgets);
  result.interval_seconds = member.at("interval_s");
  result.capacity_per_s = member.at("capacity_per_s");
  result.saturated = member.at("saturated") == true;
  result.complete = member.at("complete");
  result.interrupt_signal = member.at("interrupt_signal").is_null() ? 0 : member.at("interrupt_signal").get<int>();
  result.seconds = member.at("seconds");
  if (const json& error = member.at("total").at("first_error"); !error.is_null()) result.first_error = error;
  const json& intervals = member.at("intervals");
  const std::size_t blocks = series.runs.empty() ? 0 : series.runs[0].size();
  if (intervals.size() != blocks || series.runs.size() > 1)
    throw std::runtime_error("soak: " + std::to_string(intervals.size()) + " intervals and " + std::to_string(blocks) +
                             " histograms; expected one run with a histogram for each interval");
  if (result.saturated) result.alerts.push_back(nothing_run_alert(result.plan.per_second, result.capacity_per_s));
  AlertWatch watch(result.plan.budgets, result.plan.per_second);
  result.intervals.reserve(blocks);
  for (std::size_t i = 0; i < blocks; ++i) {
    result.intervals.push_back(read_interval(intervals[i], series.runs[0][i].histogram));
    result.calls.calls += result.intervals[i].calls;
    result.calls.errors += result.intervals[i].errors;
    for (SoakAlert& alert : watch.judge(result.intervals[i], i)) result.alerts.push_back(std::move(alert));
  }
  return result;
}

}  // namespace tickmlp::bench
