// SPDX-License-Identifier: Apache-2.0
#include "growth/cpu_profile.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "growth/calibrate.h"
#include "cli.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// The figures of a kernel by their names in the file.
struct Figure {
  const char* name;
  double KernelCost::*value;
};
constexpr Figure kFigures[] = {{"call_ns", &KernelCost::call_ns},    {"tick_call_ns", &KernelCost::tick_call_ns},
                               {"input_ns", &KernelCost::input_ns},  {"group_ns", &KernelCost::group_ns},
                               {"pass_ns", &KernelCost::pass_ns},    {"block_ns", &KernelCost::block_ns},
                               {"step_ns", &KernelCost::step_ns},    {"line_ns", &KernelCost::line_ns},
                               {"gather_ns", &KernelCost::gather_ns}};
constexpr Turn kTurns[] = {Turn::kNever, Turn::kChunks, Turn::kStrips};

double rounded(double value) { return std::round(value * 1e5) / 1e5; }

json curve_json(const ReadCurve& curve) {
  json list = json::array();
  for (const ReadPoint& point : curve)
    list.push_back({{"bytes", point.bytes},
                    {"ns_per_line", rounded(point.ns_per_line)},
                    {"bytes_per_ns", rounded(64 / point.ns_per_line)}});
  return list;
}

// A profile being read: every refusal names the file and the place in it.
struct Reader {
  const std::string& path;

  [[noreturn]] void bad(const char* name, const std::string& what) const {
    refuse(printable(path) + ": " + name + ": " + what);
  }
  const json& field(const json& object, const std::string& where, const char* key) const {
    if (!object.is_object() || !object.contains(key)) bad("profile-field", where + " has no " + key);
    return object[key];
  }
  double number(const json& object, const std::string& where, const char* key, double above = 0) const {
    const json& value = field(object, where, key);
    const double seen = value.is_number() ? value.get<double>() : NAN;
    if (!std::isfinite(seen) || seen < above)
      bad("profile-field", where + "." + key + " is " + value.dump().substr(0, 40) +
                               "; expected a number of at least " + json(above).dump());
    return seen;
  }
  std::string text(const json& object, const std::string& where, const char* key) const {
    const json& value = field(object, where, key);
    if (!value.is_string())
      bad("profile-field", where + "." + key + " is " + value.dump().substr(0, 40) + "; expected text");
    return value.get<std::string>();
  }
  std::uint64_t bytes(const json& object, const std::string& where, const char* key) const {
    const double value = number(object, where, key);
    if (value != std::floor(value) || value > 1e15) bad("profile-field", where + "." + key + ": expected whole bytes");
    return static_cast<std::uint64_t>(value);
  }

  ReadCurve curve(const json& read, const char* key) const {
    const std::string where = std::string("read.") + key;
    const json& list = field(read, "read", key);
    if (!list.is_array() || list.empty()) bad("profile-field", where + " is empty; expected a list of points");
    ReadCurve curve;
    for (const json& point : list) {
      curve.push_back({bytes(point, where, "bytes"), number(point, where, "ns_per_line", 1e-6)});
      if (curve.size() > 1 &&
          (curve.back().bytes <= curve.end()[-2].bytes || curve.back().ns_per_line < curve.end()[-2].ns_per_line))
        bad("profile-field", where + " does not ascend at " + std::to_string(curve.back().bytes) + " bytes");
    }
    return curve;
  }

  KernelCost kernel(const json& object) const {
    KernelCost kernel;
    kernel.name = text(object, "kernels", "name");
    const std::string where = "kernels." + kernel.name, dtype = text(object, where, "dtype");
    if (dtype != "int8" && dtype != "float32") bad("profile-field", where + ".dtype is " + dtype);
    kernel.type = dtype == "int8" ? TICKMLP_INT8 : TICKMLP_FLOAT32;
    for (const Figure& figure : kFigures) kernel.*figure.value = number(object, where, figure.name);
    const std::string turn = text(object, where, "turn");
    const Turn* known =
        std::find_if(std::begin(kTurns), std::end(kTurns), [&](Turn t) { return turn == turn_name(t); });
    if (known == std::end(kTurns))
      bad("profile-field", where + ".turn is " + turn + "; expected never, chunks or strips");
    kernel.turn = *known;
    return kernel;
  }
};

}  // namespace

CpuProfile measure_profile(const Box& box, int core, const std::function<void(double)>& progress) {
  CpuProfile profile;
  tickmlp_clock clock{};
  tickmlp_error error{};
  if (tickmlp_clock_calibrate(&clock, &error) != TICKMLP_OK) refuse(std::string("cannot measure: ") + error.message);
  profile.cpu = printable(box.line("/proc/cpuinfo", "model name").value_or("unknown CPU"));
  profile.caches = read_caches(box, core);
  ReadCalibration reads(profile.caches);
  KernelCalibration kernels(profile.caches);
  for (int round = 0; round < kCalibrationRounds && g_interrupt_signal == 0; ++round) {
    reads.round(clock);
    progress((round + 0.5) / kCalibrationRounds);
    kernels.round(clock);
    progress((round + 1.0) / kCalibrationRounds);
  }
  if (g_interrupt_signal != 0) return profile;
  reads.finish(&profile);
  kernels.finish(&profile);
  return profile;
}

std::string profile_json(const CpuProfile& profile, const std::string& command, int core) {
  json kernels = json::array();
  for (const KernelCost& kernel : profile.kernels) {
    json row{{"name", kernel.name},
             {"dtype", kernel.type == TICKMLP_INT8 ? "int8" : "float32"},
             {"turn", turn_name(kernel.turn)}};
    for (const Figure& figure : kFigures) row[figure.name] = rounded(kernel.*figure.value);
    kernels.push_back(row);
  }
  const json out{
      {"schema", kProfileSchema},
      {"tool", {{"version", tickmlp_version()}}},
      {"command", command},
      {"machine", {{"cpu", profile.cpu}}},
      {"core", core},
      {"timer_ns", rounded(profile.timer_ns)},
      {"caches", {{"l1d", profile.caches.l1d}, {"l2", profile.caches.l2}, {"l3", profile.caches.l3}}},
      {"read",
       {{"isa", profile.read_isa}, {"forward", curve_json(profile.forward)}, {"turning", curve_json(profile.turning)}}},
      {"kernels", kernels}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

CpuProfile read_profile(const std::string& path) {
  const Reader reader{path};
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!file.is_open() || file.bad() || text.empty())
    reader.bad("profile-open", "cannot be read or is empty; expected what `tickmlp profile --json` wrote");
  const json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) reader.bad("profile-json", "is no JSON; expected what `tickmlp profile --json` wrote");
  const std::string schema = root.is_object() ? root.value("schema", json()).dump() : "missing";
  if (schema != json(kProfileSchema).dump())
    reader.bad("profile-schema", "schema is " + schema + "; expected " + json(kProfileSchema).dump());
  CpuProfile profile;
  profile.cpu = reader.text(reader.field(root, "the profile", "machine"), "machine", "cpu");
  profile.timer_ns = reader.number(root, "the profile", "timer_ns");
  const json& caches = reader.field(root, "the profile", "caches");
  profile.caches = {reader.bytes(caches, "caches", "l1d"), reader.bytes(caches, "caches", "l2"),
                    reader.bytes(caches, "caches", "l3")};
  const json& read = reader.field(root, "the profile", "read");
  profile.read_isa = reader.text(read, "read", "isa");
  profile.forward = reader.curve(read, "forward");
  profile.turning = reader.curve(read, "turning");
  const json& kernels = reader.field(root, "the profile", "kernels");
  if (!kernels.is_array()) reader.bad("profile-field", "kernels is no list");
  for (const json& object : kernels) {
    const KernelCost kernel = reader.kernel(object);
    if (find_kernel(profile, kernel.name) != nullptr)
      reader.bad("profile-field", "kernels has " + kernel.name + " twice");
    profile.kernels.push_back(kernel);
  }
  return profile;
}

}  // namespace tickmlp::bench
