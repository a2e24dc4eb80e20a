// SPDX-License-Identifier: Apache-2.0
// A soak at a terminal.
#include <algorithm>

#include "soak/soak.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kShown = 6;  // intervals

std::string figure(const json& value, int decimals = 0) {
  return value.is_number() ? with_commas_fixed(value.get<double>(), decimals) : "-";
}

std::string percent(const json& share) {
  const double value = share.get<double>();
  return (value < 0 ? "" : "+") + fixed_point(value * 100, 1) + " %";
}

std::string heading(const json& soak) {
  std::string text = "soak       " + soak.at("path").get<std::string>() + " path, ";
  if (soak.at("rate_per_s").is_null()) text += "service time, back to back";
  else
    text += "response time at " + figure(soak.at("rate_per_s")) + " calls a second (" +
            soak.at("arrivals").get<std::string>() + " arrivals; capacity " + figure(soak.at("capacity_per_s")) + ")";
  if (soak.at("saturated") == true)
    return text + "\n             saturated: the rate is above 0.9 x the capacity, so there are no percentiles\n";
  return text + "\n             " + fixed_point(soak.at("seconds"), 1) + " s of " +
         fixed_point(soak.at("wanted_s"), 1) + " s in " + std::to_string(soak.at("intervals").size()) +
         " intervals of " + fixed_point(soak.at("interval_s"), 2) + " s" +
         (soak.at("complete") == true ? "" : ": INCOMPLETE") + "\n";
}

std::string row_of_intervals(const json& soak) {
  std::vector<std::vector<std::string>> rows{{"nanoseconds", "p50", "p99", "p99.9", "max", "errors", "resident kB"}};
  const auto add = [&](const std::string& name, const json& of, const std::string& resident) {
    rows.push_back({name, figure(of.at("p50_ns")), figure(of.at("p99_ns")), figure(of.at("p99_9_ns")),
                    figure(of.at("max_ns")), figure(of.at("errors")), resident});
  };
  const json& intervals = soak.at("intervals");
  const std::size_t count = intervals.size(), shown = std::min(count, kShown);
  for (std::size_t i = 0; i < shown; ++i) {  // evenly spread
    const json& interval = intervals[shown == 1 ? 0 : i * (count - 1) / (shown - 1)];
    add("at " + fixed_point(interval.at("begin_s"), 1) + " s", interval, figure(interval.at("resident_kb")));
  }
  add("all " + figure(soak.at("total").at("calls")) + " calls", soak.at("total"), "");
  return columns(rows, 13, 1);
}

}  // namespace

std::string soak_table(const json& soak) {
  std::string text = "  " + heading(soak);
  if (soak.at("intervals").empty()) return text;
  text += row_of_intervals(soak);
  for (const char* name : {"p50", "p99"}) {
    const json& tenths = soak.at("degradation").at(name);
    if (tenths.is_null()) continue;
    const json& range = tenths.at("change_range");
    text += "             last tenth of the time against the first, " + std::string(name) + ": " +
            percent(tenths.at("change")) +
            (range.is_null() ? " (fewer than 20 intervals: no spread)\n"
                             : " (" + percent(range[0]) + " to " + percent(range[1]) + ")\n");
  }
  std::size_t raised = 0;
  for (const json& alert : soak.at("alerts")) raised += alert.at("state") == "raised";
  return text + "             memory growth " + fixed_point(soak.at("memory").at("growth_kb_per_minute"), 1) +
         " kB a minute; alerts: " + std::to_string(raised) + ", of which critical " +
         figure(soak.at("critical_alerts")) + "\n";
}

}  // namespace tickmlp::bench
