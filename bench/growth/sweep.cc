// SPDX-License-Identifier: Apache-2.0
// `tickmlp sweep`: what a call costs over a grid of model sizes, beside what the CPU's profile predicts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli.h"
#include "commands.h"
#include "growth/cpu_profile.h"
#include "growth/growth.h"
#include "growth/hot_model.h"
#include "growth/hot_timing.h"
#include "output_file.h"
#include "progress.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr double kWithin = 0.2;  // what a prediction aims at

struct Method {
  std::uint32_t factor;  // from one size to the next
  int rounds;
  double block_seconds;
};
constexpr Method kWhole{2, 8, 0.012}, kQuick{4, 2, 0.003};

struct Point {
  explicit Point(const Shape& of) : shape(of) {}
  Shape shape;
  std::string kernel;
  std::uint64_t weight_bytes = 0;
  double ns = std::numeric_limits<double>::max();  // central, less the timer
  std::optional<Prediction> predicted;
  double error() const { return predicted->ns / ns - 1; }
};

// Four heads of three outputs, as an actor-critic model has; one where the lanes are too few for that.
std::vector<Point> grid(const SweepOptions& options, const Method& method) {
  std::vector<Point> points;
  for (const auto type : {TICKMLP_INT8, TICKMLP_FLOAT32}) {
    if (!options.dtype.empty() && options.dtype != dtype_name(type)) continue;
    for (std::uint32_t inputs = 16; inputs <= 4096; inputs *= method.factor)
      for (std::uint32_t lanes = 16; lanes <= 4096; lanes *= method.factor) {
        const std::uint32_t heads = lanes >= 64 ? 4 : 1;
        points.emplace_back(Shape{type, inputs, heads, lanes / heads, 3, 0});
      }
  }
  return points;
}

// Round by round over the whole grid, so that the rounds of one point lie many seconds apart: a neighbour's burst falls
// on few of them. It only ever adds time, so the least counts. Each round loads the model anew, onto other pages.
double measure_points(const tickmlp_clock& clock, const Method& method, std::vector<Point>* points) {
  ProgressBar bar("sweep");
  double timer = std::numeric_limits<double>::max();
  const double total = static_cast<double>(points->size()) * method.rounds;
  double done = 0;
  for (int round = 0; round < method.rounds; ++round)
    for (Point& point : *points) {
      if (g_interrupt_signal != 0) return 0;
      HotModel model(point.shape, "");
      point.kernel = model.info().kernel;
      point.weight_bytes = model.info().weight_bytes;
      timer = std::min(timer, central_of_block(clock, method.block_seconds / 8, [] {}));
      point.ns = std::min(point.ns, model.time_full(clock, method.block_seconds));
      bar.show(++done / total);
    }
  for (Point& point : *points) point.ns -= timer;
  return timer;
}

void predict_points(const CpuProfile& profile, std::vector<Point>* points) {
  for (Point& point : *points)
    if (const KernelCost* kernel = find_kernel(profile, point.kernel))
      point.predicted = predict(profile, *kernel, dimensions_of(point.shape), Path::kFull);
}

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

json point_json(const Point& point) {
  const auto bytes = static_cast<double>(point.weight_bytes);
  json row{{"dtype", dtype_name(point.shape.type)},
           {"kernel", point.kernel},
           {"inputs", point.shape.inputs},
           {"lanes", point.shape.lanes()},
           {"heads", point.shape.heads},
           {"outputs", point.shape.heads * point.shape.outputs},
           {"weight_bytes", point.weight_bytes},
           {"ns", rounded(point.ns, 0.01)},
           {"ns_per_weight_byte", rounded(point.ns / bytes, 1e-6)},
           {"predicted_ns", nullptr},
           {"predicted_to_measured", nullptr},
           {"bound", nullptr}};
  if (point.predicted) {
    row["predicted_ns"] = rounded(point.predicted->ns, 0.01);
    row["predicted_to_measured"] = rounded(1 + point.error(), 1e-4);
    row["bound"] = bound_name(point.predicted->bound);
  }
  return row;
}

bool within(const Point& point) { return std::abs(point.error()) <= kWithin; }

// All points, worst last, and what share of them is near.
std::string comparison(std::vector<Point> points) {
  points.erase(std::remove_if(points.begin(), points.end(), [](const Point& p) { return !p.predicted; }), points.end());
  if (points.empty()) return "  the profile has none of the kernels that were measured\n";
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return std::abs(a.error()) < std::abs(b.error()); });
  std::vector<std::vector<std::string>> rows{
      {"kernel", "inputs", "lanes", "weight bytes", "measured ns", "predicted ns", "off by", "bound by"}};
  for (const Point& p : points)
    rows.push_back({p.kernel, std::to_string(p.shape.inputs), std::to_string(p.shape.lanes()),
                    with_commas(p.weight_bytes), fixed_point(p.ns, 1), fixed_point(p.predicted->ns, 1),
                    fixed_point(100 * p.error(), 1) + " %", bound_name(p.predicted->bound)});
  const auto near = std::count_if(points.begin(), points.end(), within);
  return columns(rows, 2, 1) + "\n  " + std::to_string(near) + " of " + std::to_string(points.size()) +
         " within 20 %; the worst is " + fixed_point(100 * points.back().error(), 1) + " % off\n";
}

}  // namespace

int sweep(const SweepOptions& options) {
  catch_interrupts();
  check_target(options.json, {options.cpu_profile});
  std::optional<CpuProfile> profile;
  if (!options.cpu_profile.empty()) profile = read_profile(options.cpu_profile);
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(core, &error); status != TICKMLP_OK) fail("cannot sweep", status, error);
  tickmlp_clock clock{};
  if (const auto status = tickmlp_clock_calibrate(&clock, &error); status != TICKMLP_OK)
    fail("cannot sweep", status, error);

  const Method& method = options.quick ? kQuick : kWhole;
  std::vector<Point> points = grid(options, method);
  const double timer = measure_points(clock, method, &points);
  if (g_interrupt_signal != 0) return 128 + g_interrupt_signal;
  if (profile) predict_points(*profile, &points);

  const Box box;
  const Caches caches = read_caches(box, core);
  json list = json::array();
  for (const Point& point : points) list.push_back(point_json(point));
  const json out{{"schema", "tickmlp-sweep/0"},
                 {"tool", {{"version", tickmlp_version()}}},
                 {"command", options.command},
                 {"machine", {{"cpu", printable(box.line("/proc/cpuinfo", "model name").value_or("unknown CPU"))}}},
                 {"core", core},
                 {"caches", {{"l1d", caches.l1d}, {"l2", caches.l2}, {"l3", caches.l3}}},
                 {"timer_ns", rounded(timer, 0.01)},
                 {"method", {{"rounds", method.rounds}, {"block_seconds", method.block_seconds}}},
                 {"points", list}};
  write_atomically(options.json, {out.dump(2, ' ', false, json::error_handler_t::replace) + "\n"});
  if (profile) print(comparison(points));
  print("  sweep  " + printable(options.json) + ", " + std::to_string(points.size()) + " points\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
