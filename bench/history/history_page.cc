// SPDX-License-Identifier: Apache-2.0
// The history as a page: per model and path the latencies over time, and the ratio to the memory floor.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "cli.h"
#include "history/history.h"
#include "page/html.h"
#include "page/page.h"
#include "page/plot.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using Entries = std::vector<const HistoryEntry*>;

std::string date_text(double seconds, const char* format) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, format, &parts);
  return text;
}

Axis date_axis(const Entries& entries) {
  const double first = entries.front()->seconds, last = entries.back()->seconds;
  const double air = std::max((last - first) * 0.04, 60.0);
  Axis axis{"started, UTC", first - air, last + air, false, {}};
  constexpr int kTicks = 5;
  const char* format = last - first > 3 * 86'400 ? "%Y-%m-%d" : "%m-%d %H:%M";
  for (int i = 0; i <= kTicks; ++i) {
    const double at = first + (last - first) * i / kTicks;
    if (i == 0 || last > first) axis.ticks.push_back({at, date_text(at, format)});
  }
  return axis;
}

// A line where kernel, tool or machine is another than in the certificate before, and each verdict's sign.
std::vector<Mark> marks_of(const Entries& entries) {
  std::vector<Mark> marks;
  const HistoryEntry* before = nullptr;
  for (const HistoryEntry* entry : entries) {
    std::string changed;
    const auto note = [&](const char* what, const std::string& now, const std::string& then) {
      if (now != then) changed += (changed.empty() ? "" : "; ") + std::string(what) + " " + now;
    };
    if (before != nullptr) {
      note("kernel", entry->kernel, before->kernel);
      note("tool", entry->tool, before->tool);
      note("machine", entry->cpu, before->cpu);
      note("generation", entry->generation, before->generation);
    }
    if (!changed.empty()) marks.push_back({entry->seconds, changed, "", true});
    before = entry;
    if (entry->checked == Checked::kInvalid) {  // its verdict is no verdict
      marks.push_back({entry->seconds, "INVALID", "bad", true});
      continue;
    }
    const bool pass = entry->verdict == "PASS", fail = entry->verdict == "FAIL";
    marks.push_back({entry->seconds, pass ? "✓" : fail ? "✗" : "?", pass ? "good" : fail ? "bad" : "open", false});
  }
  return marks;
}

Line line_of(const Entries& entries, const char* label, const char* css, std::optional<double> PathFigures::*figure,
             PathFigures HistoryEntry::*path) {
  Line line{label, css, Line::kLineAndDots, {}};
  for (const HistoryEntry* entry : entries)
    if (const auto value = entry->*path.*figure) line.points.push_back({entry->seconds, *value});
  return line;
}

std::pair<double, double> extremes(const std::vector<Line>& lines) {
  double low = 1e300, high = 0;
  for (const Line& line : lines)
    for (const Point& point : line.points) low = std::min(low, point.second), high = std::max(high, point.second);
  return {low, high};
}

std::string latency_chart(const std::string& id, const std::string& title, const Entries& entries,
                          PathFigures HistoryEntry::*path) {
  Plot plot{id,
            title,
            "One point for each of " + std::to_string(entries.size()) + " certificates; figures in the table.",
            date_axis(entries),
            {},
            {},
            {},
            marks_of(entries),
            false};
  plot.lines = {line_of(entries, "p99", "s1", &PathFigures::p99_ns, path),
                line_of(entries, "p50", "s2", &PathFigures::p50_ns, path),
                line_of(entries, "central", "s0", &PathFigures::central_ns, path)};
  const auto [low, high] = extremes(plot.lines);
  if (high == 0) return "";
  // Below the lines lies the strip of the verdicts.
  plot.y = time_axis(low - (high - low) * 0.15, high * 1.05);
  plot.y.label = plot.y.log ? "latency, logarithmic" : "latency; does not begin at 0";
  return figure(plot, 340);
}

std::string ratio_chart(const std::string& id, const std::string& title, const Entries& entries) {
  Plot plot{id,
            title,
            "The full path's central latency over the memory floor's, the timer taken off both.",
            date_axis(entries),
            {},
            {},
            {},
            marks_of(entries),
            false};
  Line line{"ratio", "s0", Line::kLineAndDots, {}};
  for (const HistoryEntry* entry : entries)
    if (entry->to_memory_floor) line.points.push_back({entry->seconds, *entry->to_memory_floor});
  plot.lines = {line};
  const auto [low, high] = extremes(plot.lines);
  if (high == 0) return "";
  plot.y = Axis{"× the memory floor", std::min(low, 1.0) - 0.1, high + 0.1, false, {}};
  const double step = std::max(0.1, std::ceil((plot.y.high - plot.y.low) / 0.6) / 10);
  for (double at = std::ceil(plot.y.low / step) * step; at <= plot.y.high; at += step)
    plot.y.ticks.push_back({at, fixed_point(at, 1)});
  return figure(plot, 280);
}

std::string checked_mark(const HistoryEntry& entry) {
  if (entry.checked == Checked::kValid) return "";
  return entry.checked == Checked::kInvalid ? " " + element("span", "badge bad", "✗ INVALID")
                                            : element("small", "", " digest only");
}

// At the top of the page: a figure from an edited certificate is worse than none.
std::string invalid_part(const History& history) {
  std::string list;
  for (const HistoryEntry& entry : history.entries) {
    if (entry.checked != Checked::kInvalid) continue;
    std::string why;
    for (const std::string& wrong : entry.wrong) why += element("li", "", escaped(wrong));
    list += element("li", "", escaped(printable(entry.file)) + element("ul", "", why)) + "\n";
  }
  if (list.empty()) return "";
  return section("invalid", "Invalid certificates",
                 element("p", "warning",
                         "These do not say what their evidence says: edited, or damaged. Their points "
                         "are drawn as they stand there, and marked INVALID; rely on none of them.") +
                     element("ul", "", list));
}

std::string table_of(const Entries& entries, const std::string& caption) {
  const auto time = [](const std::optional<double>& ns) { return ns ? duration(*ns) : std::string("-"); };
  std::vector<std::vector<std::string>> rows;
  for (const HistoryEntry* entry : entries)
    rows.push_back({escaped(entry->started), badge(entry->verdict) + checked_mark(*entry), escaped(entry->generation),
                    escaped(entry->kernel), escaped(entry->tool), escaped(entry->cpu), time(entry->full.central_ns),
                    time(entry->full.p50_ns), time(entry->full.p99_ns), time(entry->tick.central_ns),
                    time(entry->tick.p99_ns), entry->to_memory_floor ? fixed_point(*entry->to_memory_floor, 3) : "-"});
  return table(caption,
               {"started", "verdict", "generation", "kernel", "tool", "CPU", "full central", "full p50", "full p99",
                "tick central", "tick p99", "× memory floor"},
               rows, "plain");
}

}  // namespace

std::string history_page(const History& history) {
  std::map<std::string, Entries> models;
  for (const HistoryEntry& entry : history.entries) models[entry.model].push_back(&entry);
  std::string out =
      "<header>\n<p class=\"kind\">tickmlp latency history</p>\n<h1>" + std::to_string(history.entries.size()) +
      " certificates</h1>\n</header>\n<main>\n" +
      element("p", "",
              "Each point is one certificate. Its verdict stands at the lower edge: ✓ PASS, ✗ "
              "FAIL, ? INCONCLUSIVE. A dotted line marks another kernel, tool, machine or "
              "generation of the model. Each was checked as <code>tickmlp verify</code> does; where its "
              "evidence was not beside it, only its digest. On machines with other memory or other neighbours "
              "compare the ratio to the memory floor, not the times.");
  out += invalid_part(history);
  int index = 0;
  for (const auto& [model, entries] : models) {
    const std::string id = "model-" + std::to_string(++index), name = escaped(model);
    out += section(id, name,
                   latency_chart(id + "-full", model + ", full path", entries, &HistoryEntry::full) +
                       latency_chart(id + "-tick", model + ", tick path", entries, &HistoryEntry::tick) +
                       ratio_chart(id + "-ratio", model + ", ratio to the memory floor", entries) +
                       table_of(entries, name));
  }
  std::string left_out;
  for (const std::string& why : history.left_out) left_out += element("li", "", escaped(why)) + "\n";
  if (!left_out.empty()) out += section("left-out", "Left out", element("ul", "", left_out));
  return whole_page("Latency history", out + "</main>\n");
}

}  // namespace tickmlp::bench
