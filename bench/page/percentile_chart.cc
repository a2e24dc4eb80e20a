// SPDX-License-Identifier: Apache-2.0
// The percentile curve: the horizontal axis gives each further nine the same room, so that the tail can be read.
#include <algorithm>
#include <cmath>

#include "certify/figures.h"
#include "measure/statistics.h"
#include "page/charts.h"
#include "page/html.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr double kMostNines = 7;
constexpr std::size_t kFinestPoints = 400;  // of one line; a screen shows no more

// The number of nines: 0 for 0 %, 1 for 90 %, 2 for 99 %.
double nines(double share_above) { return std::min(-std::log10(share_above), kMostNines); }

// Each slot from the first call in it to the last: a staircase. The last call of n stands at log10(n) nines.
std::vector<Point> points_of(const SeriesEvidence& series) {
  const auto all = merged(series);
  std::vector<Point> points;
  std::uint64_t above = all->count;
  const auto count = static_cast<double>(all->count);
  double last = -1;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    if (all->slots[slot] == 0) continue;
    const double begin = nines(static_cast<double>(above) / count);
    above -= all->slots[slot];
    const double end = nines(static_cast<double>(std::max<std::uint64_t>(above, 1)) / count);
    const auto ns = static_cast<double>(tickmlp_recorder_slot_upper(slot));
    if (begin - last > kMostNines / kFinestPoints) points.push_back({last = begin, ns});
    if (end - last > kMostNines / kFinestPoints || above == 0) points.push_back({last = end, ns});
  }
  if (all->beyond > 0 && all->count > 0) points.push_back({nines(1 / count), static_cast<double>(all->maximum)});
  return points;
}

// Without evidence: the percentiles that the document gives, and the slowest call.
std::vector<Point> points_of(const json& figures) {
  std::vector<Point> points;
  if (const auto least = number(field(figures, "min_ns"))) points.push_back({0, *least});
  for (const Percentile& percentile : kPercentiles)
    if (const auto ns = number(field(figures, percentile.field))) {
      const auto above = static_cast<double>(percentile.denominator - percentile.numerator);
      points.push_back({nines(above / static_cast<double>(percentile.denominator)), *ns});
    }
  const auto count = number(field(figures, "count")), most = number(field(figures, "max_ns"));
  if (count && *count > 0 && most) points.push_back({nines(1 / *count), *most});
  std::sort(points.begin(), points.end());
  return points;
}

Axis nines_axis(double high) {
  static const char* const kNames[] = {"0 %",     "90 %",     "99 %",      "99.9 %",
                                       "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"};
  Axis axis{"share of calls that took at most this long", 0, high, false, {}};
  for (int i = 0; i <= static_cast<int>(high); ++i) axis.ticks.push_back({i, kNames[i]});
  return axis;
}

std::string described(const std::vector<ChartSeries>& series) {
  std::string text = "One line for each of: ";
  for (std::size_t i = 0; i < series.size(); ++i) {
    const json& all = *series[i].figures;
    text += (i ? "; " : "") + series[i].label + " (p50 " + shown_time(field(all, "p50_ns")) + ", p99 " +
            shown_time(field(all, "p99_ns")) + ", slowest " + shown_time(field(all, "max_ns")) + ")";
  }
  return text + ". All figures stand in the table.";
}

}  // namespace

std::string percentile_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                             const Evidence& evidence) {
  Plot plot{id, title, described(series), {}, {}, {}, {}, {}};
  double low = 1e300, high = 0, most_nines = 1;
  for (const ChartSeries& one : series) {
    const auto found = evidence.find(one.id);
    Line line{one.label, one.css, Line::kLine,
              found != evidence.end() ? points_of(found->second) : std::vector<Point>()};
    if (line.points.empty()) line.points = points_of(*one.figures);
    if (line.points.empty()) continue;
    low = std::min(low, line.points.front().second);
    high = std::max(high, line.points.back().second);
    most_nines = std::max(most_nines, line.points.back().first);
    plot.lines.push_back(std::move(line));
  }
  if (plot.lines.empty()) return "";
  plot.x = nines_axis(most_nines);
  plot.y = log_time_axis(low, high);
  plot.y.label = "latency, logarithmic";
  return figure(plot, 420);
}

}  // namespace tickmlp::bench
