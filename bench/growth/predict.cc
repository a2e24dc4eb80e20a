// SPDX-License-Identifier: Apache-2.0
// `tickmlp profile` and `tickmlp predict`: a CPU's figures, and what a model should cost there.
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "commands.h"
#include "growth/cpu_profile.h"
#include "growth/growth.h"
#include "growth/hot_model.h"
#include "output_file.h"
#include "progress.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

std::string kibibytes(std::uint64_t bytes) { return with_commas(bytes / 1024) + " KiB"; }

std::string profile_table(const CpuProfile& profile) {
  const Caches& caches = profile.caches;
  std::string text = "  " + profile.cpu + ", " + profile.read_isa + "; L1d " + kibibytes(caches.l1d) + ", L2 " +
                     kibibytes(caches.l2) + ", L3 " + kibibytes(caches.l3) + "; timer " +
                     fixed_point(profile.timer_ns, 1) + " ns\n\n";
  Rows reads{{"bytes a ns, read over and over", "front to back", "turning back"}};
  for (const auto& [name, bytes] : {std::pair{"half of L1", caches.l1d / 2},
                                    {"half of L2", caches.l2 / 2},
                                    {"half of L3", caches.l3 / 2},
                                    {"four times L3", 4 * caches.l3}})
    reads.push_back({name, fixed_point(64 / read_ns_per_line(profile.forward, bytes), 1),
                     fixed_point(64 / read_ns_per_line(profile.turning, bytes), 1)});
  text += columns(reads, 2, 1) + "\n";
  Rows rows{{"kernel, ns", "call", "tick call", "input", "16 lanes", "4 outputs more", "block", "step", "line",
             "gather", "turns"}};
  for (const KernelCost& k : profile.kernels)
    rows.push_back({k.name, fixed_point(k.call_ns, 1), fixed_point(k.tick_call_ns, 1), fixed_point(k.input_ns, 3),
                    fixed_point(k.group_ns, 2), fixed_point(k.pass_ns, 2), fixed_point(k.block_ns, 1),
                    fixed_point(k.step_ns, 2), fixed_point(k.line_ns, 3), fixed_point(k.gather_ns, 3),
                    turn_name(k.turn)});
  return text + columns(rows, 2, 1);
}

double two_decimals(double value) { return std::round(value * 100) / 100; }

json prediction_json(const char* path, const Prediction& p) {
  return {{"path", path},
          {"ns", two_decimals(p.ns)},
          {"ns_per_weight_byte", std::round(p.ns / static_cast<double>(p.weight_bytes) * 1e6) / 1e6},
          {"bound", bound_name(p.bound)},
          {"working_set_bytes", p.working_set},
          {"weight_bytes", p.weight_bytes},
          {"parts",
           {{"call_ns", two_decimals(p.call_ns)},
            {"lanes_ns", two_decimals(p.lanes_ns)},
            {"blocks_ns", two_decimals(p.blocks_ns)},
            {"gather_ns", two_decimals(p.gather_ns)},
            {"layer1_ns", two_decimals(p.layer1_ns)},
            {"beyond_l1_ns", two_decimals(p.beyond_l1_ns)}}},
          {"layer1",
           {{"multiply_ns", two_decimals(p.multiply_ns)},
            {"inputs_ns", two_decimals(p.inputs_ns)},
            {"read_ns", two_decimals(p.read_ns)}}}};
}

void add_rows(const char* path, const Prediction& p, Rows* rows) {
  rows->push_back({std::string(path) + " path", fixed_point(p.ns, 1), bound_name(p.bound),
                   fixed_point(p.ns / static_cast<double>(p.weight_bytes), 5), with_commas(p.working_set),
                   fixed_point(p.call_ns, 1), fixed_point(p.lanes_ns, 1), fixed_point(p.blocks_ns, 1),
                   fixed_point(p.gather_ns, 1), fixed_point(p.layer1_ns, 1), fixed_point(p.beyond_l1_ns, 1)});
}

// The profile may be of another CPU than this one, so its kernels count and not the ones that run here.
const KernelCost* choose_kernel(const PredictOptions& options, const CpuProfile& profile, tickmlp_element_type type) {
  const KernelCost* kernel = options.kernel.empty() ? best_kernel(profile, type) : find_kernel(profile, options.kernel);
  if (kernel == nullptr) {
    std::string names;
    for (const KernelCost& each : profile.kernels) names += (names.empty() ? "" : ", ") + printable(each.name);
    const std::string wanted = options.kernel.empty() ? dtype_name(type) : printable(options.kernel);
    refuse(printable(options.cpu_profile) + ": profile-kernel: has no kernel " + wanted + "; it has " + names);
  }
  if (kernel->type != type)
    wrong_usage("--kernel " + printable(options.kernel) + ": is for the other element type; the model is " +
                dtype_name(type));
  return kernel;
}

}  // namespace

int profile(const ProfileOptions& options) {
  catch_interrupts();
  check_target(options.json, {});
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(core, &error); status != TICKMLP_OK) fail("cannot profile", status, error);
  ProgressBar bar("profile");
  const CpuProfile profile = measure_profile(Box(), core, [&](double done) { bar.show(done); });
  bar.clear();
  if (g_interrupt_signal != 0) return 128 + g_interrupt_signal;
  write_atomically(options.json, {profile_json(profile, options.command, core)});
  print(profile_table(profile) + "  profile  " + printable(options.json) + "\n");
  flush_output();
  return kPass;
}

int predict_command(const PredictOptions& options) {
  const CpuProfile profile = read_profile(options.cpu_profile);
  const Model model = load_model(options.blob, "");
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const KernelCost* kernel = choose_kernel(options, profile, info.type);
  const Dimensions dimensions = dimensions_of(model);
  const Prediction full = predict(profile, *kernel, dimensions, Path::kFull);
  Rows rows{{"", "ns", "bound by", "ns a byte", "working set", "= call", "+ lanes", "+ blocks", "+ gather", "+ layer 1",
             "+ beyond L1"}};
  add_rows("full", full, &rows);
  json paths = json::array({prediction_json("full", full)});
  if (dimensions.window_columns != 0) {
    const Prediction tick = predict(profile, *kernel, dimensions, Path::kTick);
    add_rows("tick", tick, &rows);
    paths.push_back(prediction_json("tick", tick));
  }
  const json out{
      {"schema", "tickmlp-prediction/0"},
      {"model", {{"name", info.name}, {"dtype", dtype_name(info.type)}, {"weight_bytes", info.weight_bytes}}},
      {"kernel", kernel->name},
      {"machine", {{"cpu", profile.cpu}}},
      {"timer_ns", two_decimals(profile.timer_ns)},
      {"predictions", paths}};
  if (options.json) print(out.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  else
    print("  " + std::string(info.name) + " " + dtype_name(info.type) + ", " + printable(kernel->name) + ", hot, on " +
          printable(profile.cpu) + "; a timed call shows " + fixed_point(profile.timer_ns, 1) +
          " ns more, the timer\n\n" + columns(rows, 2, 1));
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
