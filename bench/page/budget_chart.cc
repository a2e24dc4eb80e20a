// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "page/charts.h"
#include "page/html.h"

namespace tickmlp::bench {

using nlohmann::json;

namespace {

constexpr int kWidth = 380, kHeight = 76;
constexpr double kLeft = 8, kRight = 372, kMiddle = 38;

}  // namespace

std::string budget_drawing(const std::string& id, const json& budget) {
  const json& interval = field(budget, "interval_ns");
  const auto asked = number(field(budget, "budget_ns")), value = number(field(budget, "value_ns"));
  const auto low = interval.size() == 2 ? number(interval[0]) : value;
  const auto high = interval.size() == 2 ? number(interval[1]) : value;
  if (!asked || !value || !low || !high) return element("p", "note", "Nothing to draw: too few samples.");
  // A budget and an interval that lie far apart share a logarithmic axis, or one of them would vanish.
  const double most = std::max(*asked, *high), least = std::min(*asked, *low);
  const bool log = least > 0 && most > 20 * least;
  Axis axis = log ? log_time_axis(least / 2, most * 1.5) : Axis{"", 0, most * 1.25, false, {}};
  const auto x = [&](double ns) {
    const double share = log ? std::log(std::max(ns, axis.low) / axis.low) / std::log(axis.high / axis.low)
                             : (ns - axis.low) / (axis.high - axis.low);
    return kLeft + std::clamp(share, 0.0, 1.0) * (kRight - kLeft);
  };
  const std::string said = duration(*low) + " to " + duration(*high) + " against a budget of " + duration(*asked);
  std::string out = open_svg(id, "The deciding interval against the budget", said, kWidth, kHeight, "budget");
  out += svg_rectangle(x(*asked), kMiddle - 16, kRight - x(*asked), 32, "beyond");
  out += svg_line(kLeft, kMiddle, kRight, kMiddle, "axis");
  out += svg_rectangle(x(*low), kMiddle - 6, std::max(x(*high) - x(*low), 3.0), 12, "interval");
  out += svg_line(x(*value), kMiddle - 11, x(*value), kMiddle + 11, "value");
  out += svg_line(x(*asked), kMiddle - 18, x(*asked), kMiddle + 18, "limit");
  const auto place = [](double at) { return at > kWidth * 0.62 ? " end" : at < kWidth * 0.3 ? "" : " middle"; };
  out += svg_text(x(*asked), 14, "budget " + duration(*asked), std::string("label") + place(x(*asked)));
  out += svg_text(x(*value), kHeight - 6, "measured " + duration(*value), std::string("label") + place(x(*value)));
  return out + kCloseSvg + (log ? element("p", "note", "Logarithmic.") : "");
}

}  // namespace tickmlp::bench
