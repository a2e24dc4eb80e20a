// SPDX-License-Identifier: Apache-2.0
// What a soak tells: JSON for programs.
#include "certify/document.h"
#include "certify/figures.h"
#include "measure/statistics.h"
#include "soak/soak.h"
#include "soak/trend.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

json number(double value) { return decimal(value, 4); }

json pair_of(const Interval& interval) { return {number(interval.low), number(interval.high)}; }

json interval_json(const SoakInterval& interval, bool paced) {
  json out = plain_figures(interval.recorder);
  out["begin_s"] = number(interval.begin_s);
  out["seconds"] = number(interval.seconds);
  out["calls"] = interval.calls;
  out["errors"] = interval.errors;
  out["planned_misses"] = paced ? json(interval.planned_misses) : json();
  out["saturated"] = paced ? json(interval.saturated) : json();
  out["resident_kb"] = interval.resident_kb;
  out["locked_kb"] = interval.locked_kb;
  out["page_faults"] = interval.page_faults;
  out["involuntary_switches"] = interval.involuntary_switches;
  return out;
}

// All intervals as one.
json total_json(const SoakResult& result, bool paced) {
  SoakInterval all;
  tickmlp_recorder_reset(&all.recorder);
  for (const SoakInterval& interval : result.intervals) {
    tickmlp_recorder_merge(&all.recorder, &interval.recorder);
    all.planned_misses += interval.planned_misses;
    all.page_faults += interval.page_faults;
    all.involuntary_switches += interval.involuntary_switches;
  }
  json total = plain_figures(all.recorder);
  total.update({{"calls", result.calls.calls},
                {"errors", result.calls.errors},
                {"first_error", result.first_error.empty() ? json() : json(result.first_error)},
                {"planned_misses", paced ? json(all.planned_misses) : json()},
                {"page_faults", all.page_faults},
                {"involuntary_switches", all.involuntary_switches}});
  return total;
}

std::vector<double> series(const SoakResult& result, const std::string& figure) {
  std::vector<double> values;
  for (const SoakInterval& interval : result.intervals)
    if (const auto value = figure_value(interval.recorder, figure)) values.push_back(*value);
  return values;
}

json degradation_json(const SoakResult& result, const std::string& figure) {
  const auto tenths = compare_tenths(series(result, figure));
  if (!tenths) return nullptr;
  const bool spread = tenths->values > 1;
  return {{"values", tenths->values},
          {"first_ns", number(tenths->first)},
          {"last_ns", number(tenths->last)},
          {"change", number(tenths->change)},
          {"first_range_ns", spread ? pair_of(tenths->first_range) : json()},
          {"last_range_ns", spread ? pair_of(tenths->last_range) : json()},
          {"change_range", spread ? pair_of(tenths->change_range) : json()}};
}

// kB a minute.
double memory_growth(const SoakResult& result) {
  std::vector<double> minutes, resident;
  for (const SoakInterval& interval : result.intervals) {
    minutes.push_back((interval.begin_s + interval.seconds) / 60);
    resident.push_back(static_cast<double>(interval.resident_kb));
  }
  return robust_slope(minutes, resident);
}

json memory_json(const SoakResult& result) {
  if (result.intervals.empty()) return nullptr;
  const SoakInterval &first = result.intervals.front(), &last = result.intervals.back();
  return {{"resident_first_kb", first.resident_kb},
          {"resident_last_kb", last.resident_kb},
          {"locked_first_kb", first.locked_kb},
          {"locked_last_kb", last.locked_kb},
          {"growth_kb_per_minute", number(memory_growth(result))}};
}

}  // namespace

json alert_json(const SoakAlert& alert) {
  return {{"alert", alert.rule},
          {"state", alert.state},
          {"severity", alert.critical ? "critical" : "warning"},
          {"at_s", number(alert.at_s)},
          {"interval", alert.interval},
          {"value", number(alert.value)},
          {"limit", number(alert.limit)},
          {"unit", alert.unit},
          {"text", alert.text}};
}

json soak_json(const SoakResult& result) {
  const bool paced = result.plan.per_second > 0;
  json intervals = json::array(), alerts = json::array();
  for (const SoakInterval& interval : result.intervals) intervals.push_back(interval_json(interval, paced));
  for (const SoakAlert& alert : result.alerts) alerts.push_back(alert_json(alert));
  return {{"kind", paced ? "response" : "service"},
          {"path", result.plan.tick ? "tick" : "full"},
          {"rate_per_s", paced ? number(result.plan.per_second) : json()},
          {"arrivals", paced ? json(arrivals_name(result.plan.arrivals)) : json()},
          {"capacity_per_s", decimal(result.capacity_per_s, 0)},
          {"saturated", paced ? json(result.saturated) : json()},
          {"complete", result.complete},
          {"interrupt_signal", result.interrupt_signal != 0 ? json(result.interrupt_signal) : json()},
          {"wanted_s", number(result.plan.seconds)},
          {"seconds", number(result.seconds)},
          {"interval_wanted_s", number(result.plan.interval_seconds)},
          {"interval_s", number(result.interval_seconds)},
          {"intervals", std::move(intervals)},
          {"total", total_json(result, paced)},
          {"degradation",
           {{"central", degradation_json(result, "central")},
            {"p50", degradation_json(result, "p50")},
            {"p99", degradation_json(result, "p99")}}},
          {"memory", memory_json(result)},
          {"alerts", std::move(alerts)},
          {"critical_alerts", result.critical_alerts()}};
}

}  // namespace tickmlp::bench
