// SPDX-License-Identifier: Apache-2.0
#include "page/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "page/html.h"

namespace tickmlp::bench {
namespace {

constexpr int kWide = 920, kNarrow = 380;  // units: CSS pixels on a laptop and on a phone
constexpr double kLabelHeight = 15, kCharacter = 7.2;

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + coordinate(value) + "\"";
}

// From values of an axis to units of the drawing.
struct Scale {
  const Axis& axis;
  double from, to;
  double operator()(double value) const {
    const auto place = [&](double v) { return axis.log ? std::log(std::max(v, axis.low * 1e-3)) : v; };
    const double share = (place(value) - place(axis.low)) / (place(axis.high) - place(axis.low));
    return from + std::clamp(share, 0.0, 1.0) * (to - from);
  }
};

struct Frame {
  double left, right, top, bottom;
  double beside;  // room to the right of it
};

std::string axes(const Plot& plot, const Frame& frame, const Scale& x, const Scale& y) {
  std::string out;
  for (const auto& [value, label] : plot.y.ticks) {
    out += svg_line(frame.left, y(value), frame.right, y(value), "grid");
    out += svg_text(frame.left - 8, y(value) + 4, label, "tick end");
  }
  double free_from = -1e9;  // no tick's text over the one before
  for (const auto& [value, label] : plot.x.ticks) {
    const double half = static_cast<double>(label.size()) * kCharacter / 2;
    out += svg_line(x(value), frame.bottom, x(value), frame.bottom + 5, "axis");
    if (x(value) - half < free_from) continue;
    free_from = x(value) + half + 6;
    const double at = std::min(x(value), frame.right + frame.beside - half);  // the last one must not be cut off
    out += svg_text(at, frame.bottom + 19, label, "tick middle");
  }
  out += svg_line(frame.left, frame.bottom, frame.right, frame.bottom, "axis");
  out += svg_text((frame.left + frame.right) / 2, frame.bottom + 38, plot.x.label, "name middle");
  return out + svg_text(frame.left - 8, frame.top - 14, plot.y.label, "name");
}

std::string bands(const Plot& plot, const Frame& frame, const Scale& x) {
  std::string out;
  for (std::size_t i = 0; i < plot.bands.size(); ++i) {
    const Band& band = plot.bands[i];
    const double from = x(band.from), width = std::max(x(band.to) - from, 1.0);
    out += svg_rectangle(from, frame.top, width, frame.bottom - frame.top, i % 2 ? "band" : "band odd");
    const bool fits = static_cast<double>(band.label.size()) * kCharacter < width;
    const std::string number = band.label.substr(band.label.rfind(' ') + 1);
    out += svg_text(from + width / 2, frame.top + 14, fits ? band.label : number, "tick middle halo");
  }
  return out;
}

std::string marks(const Plot& plot, const Frame& frame, const Scale& x) {
  std::string out;
  int row = 0;
  for (const Mark& mark : plot.marks) {
    if (!mark.line) {
      out += svg_text(x(mark.x), frame.bottom - 6, mark.label, "sign middle " + mark.css);
      continue;
    }
    const bool late = x(mark.x) > (frame.left + frame.right) / 2;
    out += svg_line(x(mark.x), frame.top, x(mark.x), frame.bottom, "mark " + mark.css);
    out += svg_text(x(mark.x) + (late ? -4 : 4), frame.top + 12 + 14 * (row++ % 3), mark.label,
                    late ? "tick end" : "tick");
  }
  return out;
}

std::string path_of(const Line& line, const Scale& x, const Scale& y) {
  std::string data;
  double last_y = 0;
  for (const Point& point : line.points) {
    const double px = x(point.first), py = y(point.second);
    if (data.empty()) data = "M" + coordinate(px) + " " + coordinate(py);
    else if (line.style == Line::kSteps) data += "H" + coordinate(px) + (py == last_y ? "" : "V" + coordinate(py));
    else data += "L" + coordinate(px) + " " + coordinate(py);
    last_y = py;
  }
  return "<path class=\"line " + line.css + "\" d=\"" + data + "\"/>\n";
}

std::string lines(const Plot& plot, const Scale& x, const Scale& y) {
  std::string out;
  for (const Line& line : plot.lines) {
    if (line.points.empty()) continue;
    if (line.style != Line::kDots) out += path_of(line, x, y);
    if (line.style != Line::kDots && line.style != Line::kLineAndDots) continue;
    for (const Point& point : line.points)
      out += "<circle class=\"dot " + line.css + "\"" + attribute("cx", x(point.first)) +
             attribute("cy", y(point.second)) + " r=\"3\"/>\n";
  }
  return out;
}

// Beside the lines' ends, pushed apart where they would lie on each other, each tied to its line.
std::string end_labels(const Plot& plot, const Frame& frame, const Scale& x, const Scale& y) {
  struct Label {
    const Line* line;
    double from_x, from_y, at;
  };
  std::vector<Label> labels;
  for (const Line& line : plot.lines)
    if (!line.points.empty() && !line.label.empty())
      labels.push_back({&line, x(line.points.back().first), y(line.points.back().second), 0});
  std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.from_y < b.from_y; });
  double next = frame.top;
  for (Label& label : labels) next = (label.at = std::max(label.from_y, next)) + kLabelHeight;
  double last = frame.bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label)
    last = (label->at = std::min(label->at, last)) - kLabelHeight;
  std::string out;
  for (const Label& label : labels) {
    const double end = frame.right + 16;
    out += "<path class=\"leader " + label.line->css + "\" d=\"M" + coordinate(label.from_x) + " " +
           coordinate(label.from_y) + "L" + coordinate(frame.right + 6) + " " + coordinate(label.at) + "H" +
           coordinate(end) + "\"/>\n";
    out += svg_text(end + 4, label.at + 4, label.line->label, "label");
  }
  return out;
}

// On a phone there is no room beside the chart: the names stand below it, each with a piece of its line. *bottom is
// where the chart ends, then where they end.
std::string legend(const Plot& plot, double width, double* bottom) {
  std::string out;
  double x = 8, top = *bottom + 18;
  for (const Line& line : plot.lines) {
    if (line.label.empty() || line.points.empty()) continue;
    const double needed = 34 + static_cast<double>(line.label.size()) * kCharacter;
    if (x > 8 && x + needed > width) x = 8, top += 18;
    out += svg_line(x, top - 4, x + 18, top - 4, "line " + line.css) + svg_text(x + 23, top, line.label, "label");
    x += needed + 6;
  }
  if (!out.empty()) *bottom = top;
  return out;
}

}  // namespace

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& css) {
  return "<line class=\"" + css + "\"" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) +
         attribute("y2", y2) + "/>\n";
}

std::string svg_text(double x, double y, const std::string& text, const std::string& css) {
  return "<text class=\"" + css + "\"" + attribute("x", x) + attribute("y", y) + ">" + escaped(text) + "</text>\n";
}

std::string svg_rectangle(double x, double y, double width, double height, const std::string& css) {
  return "<rect class=\"" + css + "\"" + attribute("x", x) + attribute("y", y) +
         attribute("width", std::max(width, 0.0)) + attribute("height", height) + "/>\n";
}

std::string open_svg(const std::string& id, const std::string& title, const std::string& description, int width,
                     int height, const std::string& css) {
  return "<svg class=\"" + css + "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-text\" viewBox=\"0 0 " +
         std::to_string(width) + " " + std::to_string(height) + "\">\n<title id=\"" + id + "-title\">" +
         escaped(title) + "</title><desc id=\"" + id + "-text\">" + escaped(description) + "</desc>\n";
}

std::string drawing(const Plot& plot, int width, int height) {
  const bool narrow = width < kWide, below = narrow || plot.legend;
  std::size_t longest = 0;
  for (const Line& line : plot.lines) longest = std::max(longest, line.label.size());
  const double beside = below || longest == 0 ? 14 : 30 + static_cast<double>(longest) * kCharacter;
  const Frame frame{62, width - beside, 34, static_cast<double>(height) - 46, beside};
  const Scale x{plot.x, frame.left, frame.right}, y{plot.y, frame.bottom, frame.top};
  double bottom = height - 8;
  const std::string names = below ? legend(plot, width, &bottom) : "";
  return open_svg(plot.id + (narrow ? "-narrow" : ""), plot.title, plot.description, width,
                  below ? static_cast<int>(bottom) + 8 : height, narrow ? "narrow" : "wide") +
         bands(plot, frame, x) + axes(plot, frame, x, y) + marks(plot, frame, x) + lines(plot, x, y) +
         (below ? names : end_labels(plot, frame, x, y)) + kCloseSvg;
}

std::string figure(const Plot& plot, int height) {
  return "<figure>\n<figcaption>" + escaped(plot.title) + "</figcaption>\n" + drawing(plot, kWide, height) +
         drawing(plot, kNarrow, std::min(height, 320)) + "</figure>\n";
}

}  // namespace tickmlp::bench
