// SPDX-License-Identifier: Apache-2.0
#include "page/result_table.h"

#include "measure/statistics.h"
#include "page/html.h"
#include "page/page.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// A number stays with its unit where a line breaks.
std::string unbroken(std::string time) {
  if (const std::size_t blank = time.rfind(' '); blank != std::string::npos) time.replace(blank, 1, "\u00a0");
  return time;
}

// "860 - 871 ns": two times of the same unit share it. In a narrow column the line breaks behind the dash.
std::string range_of(const json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) return "";
  // Three digits do: the recorder's slots are 1.6 % wide from 2 us on, and below 1 us three are all there are.
  const std::string low = duration(pair[0], 3), high = duration(pair[1], 3);
  if (low == high) return unbroken(low);
  const std::string unit = low.substr(low.rfind(' '));
  return unbroken(high.ends_with(unit) ? low.substr(0, low.size() - unit.size()) : low) + "\u00a0– " + unbroken(high);
}

std::string cell(const json& series, const std::string& name) {
  std::string out = element("b", "", shown_time(field(series, name)));
  const std::string interval = range_of(field(field(series, "intervals_95"), name));
  const std::string runs = range_of(field(field(series, "run_range"), name));
  if (!interval.empty()) out += element("small", "", interval);
  if (!runs.empty()) out += element("small", "runs", runs);
  return out;
}

std::string head_of(const json& scenario) {
  std::string out = shown(field(scenario, "name").is_null() ? field(scenario, "id") : field(scenario, "name"));
  out += element("small", "", shown(field(scenario, "count")) + " calls");
  if (field(scenario, "saturated") == true) out += " " + element("span", "badge bad", "saturated");
  for (const auto& [name, text] :
       {std::pair{"planned_misses", "planned misses "}, {"capacity_per_s", "capacity per s "}})
    if (const json& value = field(scenario, name); value.is_number()) out += element("small", "", text + shown(value));
  if (const auto sessions = number(field(scenario, "sessions")); sessions && *sessions > 1)
    out += element("small", "", shown(field(scenario, "sessions")) + " sessions at once");
  return out;
}

}  // namespace

std::string result_table(const std::string& caption, const std::vector<const json*>& scenarios) {
  std::vector<std::string> heads{"scenario", "central", "min"};
  for (const Percentile& percentile : kPercentiles) heads.push_back(percentile.name);
  for (const char* name : {"max", "mean"}) heads.push_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const json* scenario : scenarios) {
    std::vector<std::string> row{head_of(*scenario)};
    for (const char* name : {"central_ns", "min_ns"}) row.push_back(cell(*scenario, name));
    for (const Percentile& percentile : kPercentiles) row.push_back(cell(*scenario, percentile.field));
    for (const char* name : {"max_ns", "mean_ns"}) row.push_back(cell(*scenario, name));
    if (const json& deviation = field(*scenario, "deviation_ns"); deviation.is_number())
      row.back() += element("small", "", "deviation " + unbroken(shown_time(deviation)));
    rows.push_back(std::move(row));
  }
  return table(caption, heads, rows, "figures") +
         element("p", "note",
                 "Below each figure: its 95 % interval, then <i>its range over whole re-runs</i>. central: "
                 "mean of the central 80 % of calls. “-”: too few calls for that figure. The timer is in "
                 "every figure.");
}

std::string floors_part(const json& document) {
  const json& floors = field(document, "floors");
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& name, const json& series) {
    if (!series.is_object() || field(series, "count") == 0) return;
    std::vector<std::string> row{name};
    for (const char* figure : {"central_ns", "p50_ns", "p99_ns", "p99_9_ns", "max_ns"})
      row.push_back(shown_time(field(series, figure)));
    row.push_back(shown(field(series, "above_1us")));
    rows.push_back(std::move(row));
  };
  for (const auto& [key, name] : {std::pair{"timer", "timer"}, {"memory", "memory"}, {"jitter", "jitter"}}) {
    add(std::string(name) + ", before", field(field(floors, "before"), key));
    add(std::string(name) + ", during", field(floors, key));
    add(std::string(name) + ", after", field(field(floors, "after"), key));
  }
  if (rows.empty()) return "";
  const std::string text =
      "<strong>What this core does with nothing to compute.</strong> Timer: an empty timed region. Memory: the "
      "model’s " +
      shown(field(floors, "memory_bytes")) + " weight bytes read once with " + shown(field(floors, "memory_isa")) +
      ", which no kernel that needs them all can beat. Jitter: the gaps that a spinning loop sees, each one a time in "
      "which the core did something else. Before and after differ where the machine changed meanwhile.";
  return section("floors", "Floors",
                 element("p", "", text) + table("Floors before, during and after",
                                                {"floor", "central", "p50", "p99", "p99.9", "max", "gaps above 1 µs"},
                                                rows, "plain numbers"));
}

std::string worst_part(const json& document) {
  std::string out;
  for (const json& scenario : field(document, "scenarios")) {
    std::vector<std::vector<std::string>> rows;
    for (const json& sample : field(scenario, "worst")) {
      const auto at = number(field(sample, "at_ms"));
      rows.push_back({shown_time(field(sample, "ns")), at ? duration(*at * 1e6) : "-", shown(field(sample, "run")),
                      field(sample, "cause").is_null() ? "unknown" : shown(field(sample, "cause"))});
    }
    if (rows.empty()) continue;
    const std::string name = shown(field(scenario, "name").is_null() ? field(scenario, "id") : field(scenario, "name"));
    const bool open = field(scenario, "id") == "full-hot" || field(scenario, "id") == "tick-hot";
    out += std::string("<details") + (open ? " open=\"open\"" : "") + "><summary>" + name + ": slowest " + rows[0][0] +
           "</summary>\n" +
           table("The slowest calls, " + name, {"latency", "at, since the start", "re-run", "known cause"}, rows,
                 "plain") +
           "</details>\n";
  }
  if (out.empty()) return "";
  return section("worst", "The slowest calls",
                 element("p", "",
                         "With what is known to have happened on the core in the same few milliseconds. On a "
                         "shared machine most come from elsewhere: the core was taken away.") +
                     element("div", "pairs", out));
}

}  // namespace tickmlp::bench
