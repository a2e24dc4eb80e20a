// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "page/charts.h"
#include "page/html.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

struct Epochs {
  std::vector<std::vector<Point>> runs;  // (seconds or number of the epoch, central ns)
};

Epochs epochs_of(const SeriesEvidence& series) {
  Epochs out;
  for (const Run& run : series.runs) {
    std::vector<Point> points;
    for (const TimedBlock& block : run) {
      tickmlp_recorder one;
      tickmlp_recorder_reset(&one);
      add_to(block.histogram, &one);
      if (one.count > 0) points.push_back({block.begin_s + block.seconds / 2, tickmlp_recorder_central(&one)});
    }
    out.runs.push_back(std::move(points));
  }
  return out;
}

// Without evidence nobody knows when an epoch was: they stand in their order.
Epochs epochs_of(const json& figures) {
  Epochs out;
  double next = 1;
  for (const json& run : field(figures, "epoch_central_ns")) {
    if (!run.is_array()) continue;
    out.runs.emplace_back();
    for (const json& central : run) {
      if (const auto ns = number(central)) out.runs.back().push_back({next, *ns});
      next += 1;
    }
  }
  return out;
}

double nice_step(double span) {
  for (double decade = 0.01;; decade *= 10)
    for (const double factor : {1.0, 2.0, 5.0})
      if (span / (decade * factor) <= 8) return decade * factor;
}

Axis order_axis(double low, double high, bool seconds) {
  const double air = std::max((high - low) * 0.02, seconds ? 0.001 : 0.5);
  Axis axis{
      seconds ? "seconds since the measurement began" : "epochs in their order", low - air, high + air, false, {}};
  const double step = seconds ? nice_step(high - low) : std::max(1.0, nice_step(high - low));
  for (int i = static_cast<int>(axis.low / step); i * step <= axis.high; ++i)
    if (i * step >= axis.low) {
      std::string text = json(i * step).dump();
      if (text.size() > 5) text.resize(5);  // 0.30000000000000004
      axis.ticks.push_back({i * step, text.ends_with(".0") ? text.substr(0, text.size() - 2) : text});
    }
  return axis;
}

}  // namespace

std::string epoch_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                        const Evidence& evidence) {
  Plot plot{id, title, "The central latency of each epoch, in the order in which they were measured: ", {}, {}, {},
            {}, {}};
  double low = 1e300, high = 0, first = 1e300, last = 0;
  const bool timed =
      std::all_of(series.begin(), series.end(), [&](const ChartSeries& one) { return evidence.count(one.id) != 0; });
  for (const ChartSeries& one : series) {
    const Epochs epochs = timed ? epochs_of(evidence.at(one.id)) : epochs_of(*one.figures);
    bool any = false;
    for (std::size_t i = 0; i < epochs.runs.size(); ++i) {
      const std::vector<Point>& points = epochs.runs[i];
      if (points.empty()) continue;
      for (const auto& [at, ns] : points) {
        low = std::min(low, ns), high = std::max(high, ns);
        first = std::min(first, at), last = std::max(last, at);
      }
      if (plot.bands.size() <= i)
        plot.bands.push_back({points.front().first, points.back().first, "re-run " + std::to_string(i + 1)});
      plot.bands[i].from = std::min(plot.bands[i].from, points.front().first);
      plot.bands[i].to = std::max(plot.bands[i].to, points.back().first);
      plot.lines.push_back({"", one.css, Line::kLineAndDots, points});
      any = true;
    }
    if (!any) continue;
    plot.lines.back().label = one.label;
    plot.description += one.label + ", central " + shown_time(field(*one.figures, "central_ns")) + " over all; ";
  }
  if (plot.lines.empty()) return "";
  for (std::size_t i = 0; i + 1 < plot.bands.size(); ++i)  // they meet halfway
    plot.bands[i].to = plot.bands[i + 1].from = (plot.bands[i].to + plot.bands[i + 1].from) / 2;
  plot.x = order_axis(first, last, timed);
  if (!plot.bands.empty()) plot.bands.front().from = plot.x.low, plot.bands.back().to = plot.x.high;
  // The names of the re-runs need a strip of their own above the lines.
  plot.y = time_axis(low, high > 3 * low ? high * 1.35 : high + (high - low) * 0.12);
  plot.y.label = "central latency of an epoch" + std::string(plot.y.log ? ", logarithmic" : "; does not begin at 0");
  return figure(plot, 300);
}

}  // namespace tickmlp::bench
