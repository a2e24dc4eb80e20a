// SPDX-License-Identifier: Apache-2.0
// What a soak tells: JSON for programs, a table for people.
#include <algorithm>
#include <cmath>

#include "soak/soak.h"
#include "soak/trend.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// Four decimals at most, whole numbers as integers: the same text in every language.
json number(double value) {
  const double rounded = std::round(value * 1e4) / 1e4;
  if (rounded == std::floor(rounded) && std::abs(rounded) < 9e15) return static_cast<std::int64_t>(rounded);
  return rounded;
}

json pair_of(const Interval& interval) { return {number(interval.low), number(interval.high)}; }

json figures(const SoakInterval& interval) {
  json out;
  const auto put = [&](const char* field, const std::string& name) {
    const auto figure = figure_of(interval, name);
    out[field] = figure ? number(*figure) : json();
  };
  put("central_ns", "central");
  put("min_ns", "min");
  put("max_ns", "max");
  for (const Percentile& percentile : kPercentiles) put(percentile.field, percentile.name);
  out["count"] = interval.count;
  return out;
}

// All intervals as one.
SoakInterval whole(const SoakResult& result) {
  SoakInterval all;
  fill_figures(result.total, &all);
  all.saturated = result.saturated;
  for (const SoakInterval& interval : result.intervals) {
    all.planned_misses += interval.planned_misses;
    all.page_faults += interval.page_faults;
    all.involuntary_switches += interval.involuntary_switches;
  }
  return all;
}

json interval_json(const SoakInterval& interval, bool paced) {
  json out = figures(interval);
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

std::vector<double> series(const SoakResult& result, const std::string& figure) {
  std::vector<double> values;
  for (const SoakInterval& interval : result.intervals)
    if (const auto value = figure_of(interval, figure)) values.push_back(*value);
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

std::string ns_or_dash(const SoakInterval& interval, const std::string& figure) {
  const auto value = figure_of(interval, figure);
  return !value ? "-" : figure == "central" ? fixed_point(*value, 1) : with_commas(static_cast<std::uint64_t>(*value));
}

std::string percent(double share) { return (share < 0 ? "" : "+") + fixed_point(share * 100, 1) + " %"; }

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
  const SoakInterval all = whole(result);
  json intervals = json::array(), alerts = json::array();
  for (const SoakInterval& interval : result.intervals) intervals.push_back(interval_json(interval, paced));
  for (const SoakAlert& alert : result.alerts) alerts.push_back(alert_json(alert));
  json total = figures(all);
  total["calls"] = result.calls.calls;
  total["errors"] = result.calls.errors;
  total["first_error"] = result.calls.errors == 0 ? json() : json(tickmlp_status_name(result.calls.first_error));
  total["planned_misses"] = paced ? json(all.planned_misses) : json();
  total["page_faults"] = all.page_faults;
  total["involuntary_switches"] = all.involuntary_switches;
  return {{"kind", paced ? "response" : "service"},
          {"path", result.plan.tick ? "tick" : "full"},
          {"rate_per_s", paced ? number(result.plan.per_second) : json()},
          {"arrivals", paced ? json(arrivals_name(result.plan.arrivals)) : json()},
          {"capacity_per_s", number(std::round(result.capacity_per_s))},
          {"saturated", paced ? json(result.saturated) : json()},
          {"complete", result.complete},
          {"interrupt_signal", result.interrupt_signal != 0 ? json(result.interrupt_signal) : json()},
          {"wanted_s", number(result.plan.seconds)},
          {"seconds", number(result.seconds)},
          {"interval_wanted_s", number(result.plan.interval_seconds)},
          {"interval_s", number(result.interval_seconds)},
          {"intervals", std::move(intervals)},
          {"total", std::move(total)},
          {"degradation",
           {{"central", degradation_json(result, "central")},
            {"p50", degradation_json(result, "p50")},
            {"p99", degradation_json(result, "p99")}}},
          {"memory", memory_json(result)},
          {"alerts", std::move(alerts)},
          {"critical_alerts", result.critical_alerts()}};
}

std::string soak_table(const SoakResult& result) {
  const bool paced = result.plan.per_second > 0;
  std::string text = std::string(result.plan.tick ? "tick" : "full") + " path, ";
  if (paced)
    text += "response time at " + with_commas(static_cast<std::uint64_t>(result.plan.per_second)) +
            " calls a second (" + arrivals_name(result.plan.arrivals) + " arrivals; capacity " +
            with_commas(static_cast<std::uint64_t>(result.capacity_per_s)) + ")\n";
  else text += "service time, back to back\n";
  if (result.saturated) return text + "saturated: the rate is above 0.9 x the capacity, so there are no percentiles\n";
  text += fixed_point(result.seconds, 1) + " s of " + fixed_point(result.plan.seconds, 1) + " s in intervals of " +
          fixed_point(result.interval_seconds, 2) + " s" + (result.complete ? "" : ": INCOMPLETE") + "\n\n";
  std::vector<std::vector<std::string>> rows{{"ns", "central", "p50", "p99", "p99.9", "max", "errors", "RSS kB"}};
  const auto add = [&](const std::string& name, const SoakInterval& interval, std::uint64_t errors) {
    rows.push_back({name});
    for (const char* figure : {"central", "p50", "p99", "p99.9", "max"})
      rows.back().push_back(ns_or_dash(interval, figure));
    rows.back().push_back(with_commas(errors));
    if (interval.resident_kb != 0) rows.back().push_back(with_commas(interval.resident_kb));
  };
  // Ten of the intervals, evenly spread, and all of them as one.
  const std::size_t count = result.intervals.size(), shown = std::min<std::size_t>(count, 10);
  for (std::size_t i = 0; i < shown; ++i) {
    const SoakInterval& interval = result.intervals[shown == 1 ? 0 : i * (count - 1) / (shown - 1)];
    add("at " + fixed_point(interval.begin_s, 1) + " s", interval, interval.errors);
  }
  add("all " + with_commas(result.calls.calls) + " calls", whole(result), result.calls.errors);
  text += columns(rows, 2, 1) + "\n";
  for (const char* figure : {"central", "p99"})
    if (const auto tenths = compare_tenths(series(result, figure)))
      text += std::string("last tenth of the time against the first, ") + figure + ": " + percent(tenths->change) +
              (tenths->values > 1
                   ? " (" + percent(tenths->change_range.low) + " to " + percent(tenths->change_range.high) + ")\n"
                   : " (fewer than 20 intervals: no spread)\n");
  if (!result.intervals.empty()) text += "memory growth: " + fixed_point(memory_growth(result), 1) + " kB a minute\n";
  const auto raised = static_cast<std::size_t>(std::count_if(
      result.alerts.begin(), result.alerts.end(), [](const SoakAlert& alert) { return alert.state == "raised"; }));
  return text + "alerts: " + std::to_string(raised) + ", of which critical " +
         std::to_string(result.critical_alerts()) + "\n";
}

}  // namespace tickmlp::bench
