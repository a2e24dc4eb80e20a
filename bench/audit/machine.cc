// SPDX-License-Identifier: Apache-2.0
#include "audit/machine.h"

#include <nlohmann/json.hpp>

#include "cli.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

json text_or_null(const std::optional<std::string>& text) {
  return text && !text->empty() ? json(printable(*text)) : json();
}

json number_or_null(const std::optional<std::string>& text) {
  const auto number = to_number(text.value_or(""));
  return number ? json(*number) : json();
}

// "32K", "1024K", "32M".
json bytes_of(const std::string& size) {
  if (size.empty()) return nullptr;
  const std::int64_t unit = size.back() == 'K' ? 1024 : size.back() == 'M' ? 1024 * 1024 : 1;
  const auto number = to_number(std::string_view(size).substr(0, size.find_first_of("KM")));
  return number ? json(*number * unit) : json();
}

json caches_of(const Box& box, const std::string& cpu) {
  json caches = json::array();
  for (const std::string& index : box.list(cpu + "cache")) {
    if (index.substr(0, 5) != "index") continue;
    const std::string folder = cpu + "cache/" + index + "/";
    caches.push_back({{"level", number_or_null(box.read(folder + "level"))},
                      {"kind", text_or_null(box.read(folder + "type"))},
                      {"bytes", bytes_of(box.read(folder + "size").value_or(""))},
                      {"shared_with", text_or_null(box.read(folder + "shared_cpu_list"))}});
  }
  return caches;
}

json smt_of(const Box& box) {
  const auto active = box.read("/sys/devices/system/cpu/smt/active");
  if (!active) return nullptr;
  return *active == "1" ? "on" : "off";
}

json numa_node_of(const Box& box, const std::string& cpu) {
  for (const std::string& name : box.list(cpu))  // a link "node0"
    if (name.substr(0, 4) == "node")
      if (const auto node = to_number(name.substr(4))) return *node;
  return nullptr;
}

// Intel's driver tells it, AMD's firmware in MHz.
json base_khz_of(const Box& box, const std::string& cpu) {
  const auto khz = to_number(box.read(cpu + "cpufreq/base_frequency").value_or(""));
  const auto mhz = to_number(box.read(cpu + "acpi_cppc/nominal_freq").value_or(""));
  return khz ? json(*khz) : mhz ? json(*mhz * 1000) : json();
}

// Other drivers, acpi-cpufreq first of all, may give the nominal clock as the highest.
json turbo_khz_of(const Box& box, const std::string& cpu) {
  const std::string driver = box.read(cpu + "cpufreq/scaling_driver").value_or("");
  if (driver.substr(0, 6) != "intel_" && driver.substr(0, 10) != "amd-pstate") return nullptr;
  return number_or_null(box.read(cpu + "cpufreq/cpuinfo_max_freq"));
}

json memory_bytes_of(const Box& box) {
  const std::vector<std::string> words = split_words(box.line("/proc/meminfo", "MemTotal").value_or(""));
  const auto kilobytes = words.empty() ? std::nullopt : to_number(words[0]);
  return kilobytes ? json(*kilobytes * 1024) : json();
}

// PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
json operating_system_of(const Box& box) {
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"})
    for (const std::string& line : split(box.read(path).value_or(""), '\n'))
      if (line.substr(0, 12) == "PRETTY_NAME=") {
        std::string name = line.substr(12);
        std::erase(name, '"');
        return printable(name);
      }
  return nullptr;
}

json presence(Presence present) {
  if (present == Presence::kUnknown) return nullptr;
  return present == Presence::kYes ? "yes" : "no";
}

// x86 has words for it, 64-bit Arm codes only: "0x41" is Arm's own, part 0xd0c a Neoverse N1.
json cpu_name_of(const Box& box) {
  const auto name = box.line("/proc/cpuinfo", "model name"), implementer = box.line("/proc/cpuinfo", "CPU implementer");
  if (name || !implementer) return text_or_null(name);
  return printable("Arm implementer " + *implementer + " part " + box.line("/proc/cpuinfo", "CPU part").value_or("?"));
}

}  // namespace

json machine_json(const Box& box, int core) {
  const auto info = [&](const char* key) { return box.line("/proc/cpuinfo", key); };
  const std::string cpu = "/sys/devices/system/cpu/cpu" + std::to_string(core) + "/";
  const Virtualisation below = virtualisation(box);
  const Container around = container(box);
  const auto vendor = info("vendor_id"), stepping = info("stepping");
  return {{"cpu", cpu_name_of(box)},
          {"vendor", text_or_null(vendor ? vendor : info("CPU implementer"))},
          {"family", number_or_null(info("cpu family"))},
          {"model", number_or_null(info("model"))},
          {"stepping", stepping ? number_or_null(stepping) : text_or_null(info("CPU revision"))},
          {"microcode", text_or_null(info("microcode"))},
          {"cores_online", text_or_null(box.read("/sys/devices/system/cpu/online"))},
          {"caches", caches_of(box, cpu)},
          {"numa_nodes", text_or_null(box.read("/sys/devices/system/node/online"))},
          {"numa_node", numa_node_of(box, cpu)},
          {"smt", smt_of(box)},
          {"base_khz", base_khz_of(box, cpu)},
          {"turbo_khz", turbo_khz_of(box, cpu)},
          {"memory_bytes", memory_bytes_of(box)},
          {"kernel", text_or_null(box.read("/proc/sys/kernel/osrelease"))},
          {"kernel_version", text_or_null(box.read("/proc/sys/kernel/version"))},
          {"command_line", text_or_null(box.read("/proc/cmdline"))},
          {"operating_system", operating_system_of(box)},
          {"architecture", text_or_null(box.read("/proc/sys/kernel/arch"))},
          {"virtualised", presence(below.present)},
          {"hypervisor", text_or_null(below.hypervisor)},
          {"container", around.present == Presence::kYes && around.runtime.empty() ? json("unnamed")
                        : around.present == Presence::kNo                          ? json("none")
                                                                                   : text_or_null(around.runtime)}};
}

std::string machine_text(const Box& box, int core) {
  const json machine = machine_json(box, core);
  const auto text = [&](const char* key) {
    const json& value = machine[key];
    return value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : "?";
  };
  std::string line = text("cpu") + " (family " + text("family") + ", model " + text("model") + ", stepping " +
                     text("stepping") + ", microcode " + text("microcode") + "), Linux " + text("kernel");
  if (machine["virtualised"] == "yes") line += ", virtual machine";
  if (machine["container"].is_string() && machine["container"] != "none") line += ", container " + text("container");
  return line;
}

}  // namespace tickmlp::bench
