// SPDX-License-Identifier: Apache-2.0
// Charts as inline SVG: lines over two axes, labelled where they end instead of in a legend. Colours come from the
// page's style sheet (classes s0 to s7, f0 and f1 for floors), so that one drawing serves light, dark and print.
#ifndef TICKMLP_BENCH_PAGE_PLOT_H_
#define TICKMLP_BENCH_PAGE_PLOT_H_
#include <string>
#include <utility>
#include <vector>

namespace tickmlp::bench {

using Point = std::pair<double, double>;

struct Axis {
  std::string label;
  double low = 0, high = 1;
  bool log = false;
  std::vector<std::pair<double, std::string>> ticks;
};
// Over these values, with some air; ticks at round values, told as durations.
Axis log_time_axis(double low, double high);
Axis linear_time_axis(double low, double high);
Axis time_axis(double low, double high);  // whichever serves: logarithmic from a factor of 3 on

Axis count_axis(double low, double high);  // of plain numbers
Axis elapsed_axis(double seconds);         // from 0, in seconds, minutes or hours; its values stay seconds

struct Line {
  enum Style { kLine, kSteps, kDots, kLineAndDots };
  std::string label;  // at its end; "" for none
  std::string css;    // "s0" ... "s7", "f0", "f1"
  Style style = kLine;
  std::vector<Point> points;  // ascending x
};

struct Band {  // a stretch of x with a name above it
  double from, to;
  std::string label;
};
struct Mark {  // an upright line with a text, or a sign at the lower edge
  double x;
  std::string label, css;
  bool line = true;
};

struct Plot {
  std::string id, title, description;  // the id is unique on the page; title and description are for screen readers
  Axis x, y;
  std::vector<Line> lines;
  std::vector<Band> bands;
  std::vector<Mark> marks;
  bool legend = false;  // names below the chart, for lines that all end in one place
};

// The chart twice, drawn for a screen and for a phone; the style sheet shows one. With its title as a caption.
std::string figure(const Plot& plot, int height = 380);

// One drawing, `width` units wide.
std::string drawing(const Plot& plot, int width, int height);

// The tags of a drawing that has a name: what stands in it goes between the two.
std::string open_svg(const std::string& id, const std::string& title, const std::string& description, int width,
                     int height, const std::string& css);
inline constexpr const char* kCloseSvg = "</svg>\n";

// Attributes and tags of single shapes. Text is escaped here.
std::string svg_line(double x1, double y1, double x2, double y2, const std::string& css);
std::string svg_text(double x, double y, const std::string& text, const std::string& css);
std::string svg_rectangle(double x, double y, double width, double height, const std::string& css);

}  // namespace tickmlp::bench
#endif
