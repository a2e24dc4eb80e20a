// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "growth/calibrate.h"
#include "growth/hot_model.h"
#include "growth/hot_timing.h"

namespace tickmlp::bench {
namespace {

constexpr double kBlockSeconds = 0.003;
constexpr std::size_t kFigures = 5;  // call, input, group, step, line
using Row = std::array<double, kFigures>;

// The shape whose layer 1 takes `steps` steps: an input in float32, four in int8.
Shape shape_of(tickmlp_element_type type, std::uint32_t steps, std::uint32_t heads, std::uint32_t hidden,
               std::uint32_t outputs = 3) {
  return {type, type == TICKMLP_INT8 ? 4 * steps : steps, heads, hidden, outputs, 0};
}

// All within 24 KiB: a 32 KiB L1 with room for the stack. One group of lanes waits for itself at every step, so it
// shows step_ns; the wider ones line_ns; what an input takes beside either is seen across the widths.
std::vector<Shape> basic_shapes(tickmlp_element_type type) {
  std::vector<Shape> shapes;
  const auto add = [&](std::uint32_t heads, std::uint32_t hidden, std::initializer_list<std::uint32_t> steps) {
    for (const std::uint32_t each : steps) shapes.push_back(shape_of(type, each, heads, hidden));
  };
  add(1, 16, {3, 30, 90, 180});  // 1 group
  add(2, 48, {5, 20, 40});       // 6 groups
  add(3, 80, {3, 9, 13});        // 15 groups
  add(4, 112, {2, 5, 8});        // 28 groups in two tiles
  return shapes;
}

// Which figures a basic shape's time is the sum of, and how often.
Row row_of(const Shape& shape) {
  const double steps = shape.type == TICKMLP_INT8 ? shape.inputs / 4 : shape.inputs, groups = shape.lanes() / 16;
  const bool narrow = groups == 1;
  return {1, static_cast<double>(shape.inputs), groups, narrow ? steps : 0, narrow ? 0 : steps * groups};
}

// Least squares of the errors, in units of `unit`, over the columns in use: the normal equations (5 x 5) by
// Gauss-Jordan.
Row solve(const std::vector<Row>& rows, const std::vector<double>& ns, const std::vector<double>& unit,
          const std::array<bool, kFigures>& used) {
  double m[kFigures][kFigures + 1] = {};
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t i = 0; i < kFigures; ++i) {
      for (std::size_t j = 0; j < kFigures; ++j) m[i][j] += rows[r][i] * rows[r][j] / (unit[r] * unit[r]);
      m[i][kFigures] += rows[r][i] * ns[r] / (unit[r] * unit[r]);
    }
  for (std::size_t i = 0; i < kFigures; ++i) {
    if (used[i]) continue;
    for (std::size_t j = 0; j <= kFigures; ++j) m[i][j] = 0;
    m[i][i] = 1;
  }
  for (std::size_t i = 0; i < kFigures; ++i)  // positive definite: no pivoting
    for (std::size_t k = 0; k < kFigures; ++k) {
      if (k == i) continue;
      const double factor = m[k][i] / m[i][i];
      for (std::size_t j = i; j <= kFigures; ++j) m[k][j] -= factor * m[i][j];
    }
  Row figures;
  for (std::size_t i = 0; i < kFigures; ++i) figures[i] = m[i][kFigures] / m[i][i];
  return figures;
}

// No figure is below its bound: one that would be (an input's work can hide behind layer 1) is the bound, and the rest
// is solved again. The figures that `ns` is solved for are those above the bounds.
Row solve_above(const Row& bounds, const std::vector<Row>& rows, std::vector<double> ns) {
  const std::vector<double> whole = ns;
  std::array<bool, kFigures> used;
  used.fill(true);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t i = 0; i < kFigures; ++i) ns[r] -= bounds[i] * rows[r][i];
  for (;;) {
    Row figures = solve(rows, ns, whole, used);
    const auto least = std::min_element(figures.begin(), figures.end());
    if (*least < 0) {
      used[static_cast<std::size_t>(least - figures.begin())] = false;
      continue;
    }
    for (std::size_t i = 0; i < kFigures; ++i) figures[i] += bounds[i];
    return figures;
  }
}

using Timed = KernelCalibration::Timed;

enum Special : std::size_t { kManyHeads, kManyOutputs, kTicking, kGathering, kOneTile, kThreeTiles, kSpecials };

std::vector<Shape> special_shapes(tickmlp_element_type type, const Caches& caches) {
  std::vector<Shape> shapes(kSpecials);
  shapes[kManyHeads] = shape_of(type, 4, 16, 16);
  shapes[kManyOutputs] = shape_of(type, 4, 1, 192, 32);
  shapes[kTicking] = shape_of(type, 20, 3, 48);
  shapes[kTicking].window_columns = shapes[kTicking].inputs / 10;
  shapes[kGathering] = type == TICKMLP_INT8 ? shape_of(type, 80, 2, 48) : shape_of(type, 160, 2, 32);
  shapes[kGathering].unread_of_eight = 4;
  // One and a quarter L1 of weights, as one tile of 15 groups or as three of 11.
  const auto lines = static_cast<std::uint32_t>((caches.l1d != 0 ? caches.l1d : 32768) * 5 / 4 / 64);
  shapes[kOneTile] = shape_of(type, lines / 15, 3, 80);
  shapes[kThreeTiles] = shape_of(type, lines / 33, 3, 176);
  return shapes;
}

// Whether a model's time is nearer to what turning back predicts than to kNever. No, where the two differ by less than
// 8 %: arithmetic hides the read.
bool turns(const CpuProfile& profile, KernelCost kernel, const Timed& timed, Turn turn) {
  const double never = predict(profile, kernel, dimensions_of(timed.shape), Path::kFull).ns;
  kernel.turn = turn;
  const double turning = predict(profile, kernel, dimensions_of(timed.shape), Path::kFull).ns;
  return turning < 0.92 * never && timed.full < (never + turning) / 2;
}

// One tile shows turning by chunks alone, since a strip that is larger than L1 gains nothing.
Turn find_turn(const CpuProfile& profile, const KernelCost& kernel, const Timed& one_tile, const Timed& three_tiles) {
  if (turns(profile, kernel, one_tile, Turn::kChunks)) return Turn::kChunks;
  return turns(profile, kernel, three_tiles, Turn::kStrips) ? Turn::kStrips : Turn::kNever;
}

KernelCost figures_from(const CpuProfile& profile, const std::string& name, const std::vector<Timed>& basic,
                        const std::vector<Timed>& special) {
  std::vector<Row> rows;
  std::vector<double> ns;
  for (const Timed& timed : basic) rows.push_back(row_of(timed.shape)), ns.push_back(timed.full);
  const double line = read_ns_per_line(profile.forward, 0);  // a line cannot be used faster than it is read
  const Row figures = solve_above({0, 0, 0, line, line}, rows, ns);
  KernelCost kernel{name,       basic.front().shape.type,
                    figures[0], figures[0],
                    figures[1], figures[2],
                    0,          0,
                    figures[3], figures[4],
                    0,          Turn::kNever};
  // Each of the rest is what its own model takes beyond the figures so far, over how often it needs the new one.
  const auto beyond = [&](Special which, double ns_seen, Path path) {
    return ns_seen - predict(profile, kernel, dimensions_of(special[which].shape), path).ns;
  };
  kernel.block_ns = std::max(0.0, beyond(kManyHeads, special[kManyHeads].full, Path::kFull) / 3);
  kernel.pass_ns = std::max(0.0, beyond(kManyOutputs, special[kManyOutputs].full, Path::kFull) / (7 * 12));
  kernel.tick_call_ns = std::max(0.0, kernel.call_ns + beyond(kTicking, special[kTicking].tick, Path::kTick));
  const Timed& gathering = special[kGathering];
  kernel.gather_ns = std::max(0.0, beyond(kGathering, gathering.full, Path::kFull) / gathering.shape.inputs);
  kernel.turn = find_turn(profile, kernel, special[kOneTile], special[kThreeTiles]);
  return kernel;
}

}  // namespace

KernelCalibration::KernelCalibration(const Caches& caches) {
  for (std::size_t k = 0; k < tickmlp_kernel_count(); ++k) {
    tickmlp_kernel_info info{};
    if (tickmlp_kernel_get(k, &info) != TICKMLP_OK || !info.available) continue;
    Kernel& kernel = kernels_.emplace_back(Kernel{info.name, {}, {}});
    for (const Shape& shape : basic_shapes(info.type)) kernel.basic.emplace_back(shape);
    for (const Shape& shape : special_shapes(info.type, caches)) kernel.special.emplace_back(shape);
  }
}

void KernelCalibration::round(const tickmlp_clock& clock) {
  for (Kernel& kernel : kernels_)
    for (std::vector<Timed>* list : {&kernel.basic, &kernel.special})
      for (Timed& timed : *list) {
        if (g_interrupt_signal != 0) return;
        HotModel model(timed.shape, kernel.name);
        timed.full = std::min(timed.full, model.time_full(clock, kBlockSeconds));
        if (timed.shape.window_columns != 0) timed.tick = std::min(timed.tick, model.time_tick(clock, kBlockSeconds));
      }
}

void KernelCalibration::finish(CpuProfile* profile) const {
  for (Kernel kernel : kernels_) {
    for (std::vector<Timed>* list : {&kernel.basic, &kernel.special})
      for (Timed& timed : *list) timed.full -= profile->timer_ns, timed.tick -= profile->timer_ns;
    profile->kernels.push_back(figures_from(*profile, kernel.name, kernel.basic, kernel.special));
  }
}

}  // namespace tickmlp::bench
