// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "../text_table.h"
#include "report.h"

namespace tickmlp::bench {
namespace {

using Rows = std::vector<std::vector<std::string>>;

const Row* find_ours(const ModelResult& result, const char* dtype, const char* path) {
  for (const Row& row : result.rows)
    if (row.ours && row.timed && row.dtype == dtype && row.path == path) return &row;
  return nullptr;
}

// The timed peer with the smallest central; nullptr where there is none. Empty arguments take any.
const Row* fastest_peer(const ModelResult& result, const std::string& dtype, const std::string& system) {
  const Row* best = nullptr;
  for (const Row& row : result.rows)
    if (!row.ours && !row.elsewhere && row.timed && (dtype.empty() || row.dtype == dtype) &&
        (system.empty() || row.system == system) && (best == nullptr || row.central_ns < best->central_ns))
      best = &row;
  return best;
}

// How many times as long as ours, the timer taken off both; at least 1 ns is left of ours.
double ratio(const ModelResult& result, const Row& row, const Row& ours) {
  return (row.central_ns - result.timer_ns) / std::max(ours.central_ns - result.timer_ns, 1.0);
}

std::string ratio_cell(const ModelResult& result, const Row& row, const Row* ours) {
  return ours == nullptr ? "-" : fixed_point(ratio(result, row, *ours), ratio(result, row, *ours) < 10 ? 2 : 1);
}

std::string small(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", number);
  return text;
}

std::string name_of(const Row& row) { return row.ours ? "tickmlp, " + row.path + " path" : row.system; }

std::string table(const ModelResult& result) {
  const Row *int8 = find_ours(result, "int8", "full"), *single = find_ours(result, "float32", "full"),
            *tick = find_ours(result, "int8", "tick");
  Rows rows{{"system", "type", "version", "p50", "p99", "central", "/ our int8", "/ our float32", "/ our int8 tick",
             "difference", "argmax"}};
  for (const Row& row : result.rows) {
    if (!row.timed) continue;
    rows.push_back({name_of(row), row.dtype, row.version.substr(0, 24), with_commas(row.p50_ns),
                    with_commas(row.p99_ns), fixed_point(row.central_ns, 1), ratio_cell(result, row, int8),
                    ratio_cell(result, row, single), ratio_cell(result, row, tick),
                    row.elsewhere ? "-" : small(row.agreement.largest),
                    row.elsewhere ? "-" : fixed_point(100 * row.agreement.argmax_share, 2) + " %"});
  }
  return columns(rows, 2, 3);
}

// One line a goal: what was asked, what was seen, against whom.
std::string goal(const ModelResult& result, const char* text, const Row* ours, const Row* peer, double wanted) {
  if (ours == nullptr || peer == nullptr) return "";
  const double central = ratio(result, *peer, *ours);
  const double p50 = static_cast<double>(peer->p50_ns) / static_cast<double>(std::max<std::uint64_t>(ours->p50_ns, 1));
  return "  " + std::string(central >= wanted ? "met    " : "MISSED ") + text + ": " + fixed_point(central, 2) +
         " x central, " + fixed_point(p50, 2) + " x p50 with the timer in both, against " + peer->system + " " +
         peer->dtype + "\n";
}

std::string goals(const ModelResult& result) {
  const Row *int8 = find_ours(result, "int8", "full"), *single = find_ours(result, "float32", "full"),
            *tick = find_ours(result, "int8", "tick");
  const Row* best = fastest_peer(result, "", "");
  return goal(result, "int8 full path, 3 x the fastest peer of any type", int8, best, 3) +
         goal(result, "int8 full path, 40 x TorchScript as exported from C++", int8,
              fastest_peer(result, "", "torchscript"), 40) +
         goal(result, "float32 full path, ahead of every float32 peer", single, fastest_peer(result, "float32", ""),
              1) +
         goal(result, "int8 tick path, 30 x the fastest peer", tick, best, 30);
}

}  // namespace

std::string comparison_text(const Comparison& comparison) {
  std::string text = comparison.processor + ", core " + std::to_string(comparison.core) + ", clock step " +
                     std::to_string(comparison.clock_step_ns) + " ns; batch 1, one thread, all times in ns\n";
  for (const ModelResult& result : comparison.models) {
    text +=
        "\n" + result.model + ": outputs compared on " + with_commas(result.states) +
        " states; timer floor (in every time, taken off both sides of a ratio): " + fixed_point(result.timer_ns, 1) +
        "\n" + table(result);
    for (const Row& row : result.rows)
      if (!row.agreement.wrong.empty())
        text += "  WRONG, not timed: " + name_of(row) + " " + row.dtype + ": " + row.agreement.wrong + "\n";
    if (result.model == "tactical") text += "goals\n" + goals(result);
  }
  if (!comparison.skipped.empty()) text += "\nskipped\n";
  for (const Skipped& entry : comparison.skipped) text += "  " + entry.system + ": " + entry.why + "\n";
  return text;
}

}  // namespace tickmlp::bench
