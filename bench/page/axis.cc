// SPDX-License-Identifier: Apache-2.0
// Axes: of times in nanoseconds, of time that passes, of plain numbers.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "page/html.h"
#include "page/plot.h"

namespace tickmlp::bench {
namespace {

constexpr double kAir = 1.15;           // beyond the outermost values of a logarithmic axis
constexpr double kLinearFactor = 3;     // up to it a linear axis shows more
constexpr double kWideDecades = 2.2;    // from here on only powers of ten get a tick
constexpr double kNarrowDecades = 0.9;  // up to here 1.5, 3 and 7 get one too

}  // namespace

Axis log_time_axis(double low, double high) {
  low = std::max(low, 1.0) / kAir;
  high = std::max(high, low * 2) * kAir;
  Axis axis{"", low, high, true, {}};
  const double decades = std::log10(high / low);
  for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10)
    for (const double factor : {1.0, 1.5, 2.0, 3.0, 5.0, 7.0}) {
      const bool coarse = factor == 1, middle = coarse || factor == 2 || factor == 5;
      const double value = decade * factor;
      if ((decades > kWideDecades ? coarse : decades > kNarrowDecades ? middle : true) && value >= low && value <= high)
        axis.ticks.push_back({value, duration(value)});
    }
  return axis;
}

Axis linear_time_axis(double low, double high) {
  const double air = std::max((high - low) * 0.12, 1.0);
  low = std::max(0.0, low - air);
  high += air;
  Axis axis{"", low, high, false, {}};
  const double rough = (high - low) / 5, decade = std::pow(10, std::floor(std::log10(rough)));
  const double step = decade * (rough / decade < 1.5 ? 1 : rough / decade < 3.5 ? 2 : rough / decade < 7.5 ? 5 : 10);
  for (double value = std::ceil(low / step) * step; value <= high; value += step)
    axis.ticks.push_back({value, duration(value)});
  return axis;
}

Axis count_axis(double low, double high) {
  high = std::max(high, low + 1e-9);
  Axis axis{"", low, high, false, {}};
  const double rough = (high - low) / 6, decade = std::pow(10, std::floor(std::log10(rough)));
  const double step = decade * (rough / decade < 1.5 ? 1 : rough / decade < 3.5 ? 2 : rough / decade < 7.5 ? 5 : 10);
  for (double i = std::ceil(low / step); i * step <= high * (1 + 1e-9); ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", i * step);
    axis.ticks.push_back({i * step, text});
  }
  return axis;
}

Axis elapsed_axis(double seconds) {
  const double unit = seconds > 2 * 3600 ? 3600 : seconds > 180 ? 60 : 1;
  Axis axis = count_axis(0, seconds / unit);
  for (auto& [value, text] : axis.ticks) value *= unit;
  axis.high = std::max(seconds, 1e-9);
  axis.label = std::string(unit == 3600 ? "hours" : unit == 60 ? "minutes" : "seconds") + " under load";
  return axis;
}

Axis time_axis(double low, double high) {
  return high > low * kLinearFactor ? log_time_axis(low, high) : linear_time_axis(low, high);
}

}  // namespace tickmlp::bench
