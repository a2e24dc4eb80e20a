// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "certify/figures.h"
#include "page/charts.h"
#include "page/html.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

// A bin is a whole number of clock steps wide, or the clock's step would draw a comb, and at least 2 % of its values;
// 5 % from 2,048 ns on, where the recorder's own slots are 1.6 % wide.
double bin_end(double begin, double step) {
  const double wanted = begin * (begin < 2048 ? 0.02 : 0.05);
  return begin + std::max(1.0, std::round(wanted / step)) * step;
}

struct Bins {
  std::vector<Point> points;  // (begin, calls), as steps
  double most = 0;
};

Bins bins_of(const tickmlp_recorder& recorder, double step) {
  Bins bins;
  double begin = std::floor(static_cast<double>(recorder.minimum) / step) * step, end = bin_end(begin, step);
  std::uint64_t calls = 0;
  const auto close = [&] {
    bins.points.push_back({std::max(begin, 1.0), std::max(static_cast<double>(calls), 0.5)});
    bins.most = std::max(bins.most, static_cast<double>(calls));
    begin = end, end = bin_end(begin, step), calls = 0;
  };
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    if (recorder.slots[slot] == 0) continue;
    while (static_cast<double>(tickmlp_recorder_slot_upper(slot)) >= end) close();
    calls += recorder.slots[slot];
  }
  close();
  bins.points.push_back({begin, 0.5});
  return bins;
}

Axis calls_axis(double most) {
  Axis axis{"calls, logarithmic", 0.5, std::max(most, 10.0) * 2, true, {}};
  for (double calls = 1; calls <= axis.high; calls *= 10)
    axis.ticks.push_back({calls, calls < 1e6 ? with_commas(static_cast<std::uint64_t>(calls))
                                             : with_commas(static_cast<std::uint64_t>(calls / 1e6)) + " M"});
  return axis;
}

}  // namespace

std::string histogram_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                            const Evidence& evidence, double clock_step_ns) {
  Plot plot{id, title, "How many calls took how long: ", {}, {}, {}, {}, {}};
  double low = 1e300, high = 0, most = 0;
  for (const ChartSeries& one : series) {
    const auto found = evidence.find(one.id);
    if (found == evidence.end()) continue;
    const auto all = merged(found->second);
    if (all->count == 0 || all->minimum >= (UINT64_C(1) << 30)) continue;
    Bins bins = bins_of(*all, std::max(1.0, clock_step_ns));
    low = std::min(low, bins.points.front().first);
    high = std::max(high, bins.points.back().first);
    most = std::max(most, bins.most);
    plot.description += one.label + ", " + with_commas(all->count) + " calls, most of them near " +
                        shown_time(field(*one.figures, "p50_ns")) + "; ";
    plot.lines.push_back({one.label, one.css, Line::kSteps, std::move(bins.points)});
  }
  if (plot.lines.empty()) return "";
  plot.legend = true;
  plot.x = log_time_axis(low, high);
  plot.x.label = "latency, logarithmic";
  plot.y = calls_axis(most);
  return figure(plot, 360) +
         element("p", "note", "Bins of 2 %, from 2 µs on of 5 %, never finer than the clock’s step.");
}

}  // namespace tickmlp::bench
