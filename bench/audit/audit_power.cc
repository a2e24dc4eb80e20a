// SPDX-License-Identifier: Apache-2.0
// The audit's rows about how fast and how awake a core is kept.
#include <cstring>

#include "audit/audit.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu/";
constexpr std::int64_t kSlowWakeUs = 2;  // waking from a deeper idle state costs more than a whole inference

std::string core_path(int core, const std::string& rest) { return kCpus + ("cpu" + std::to_string(core)) + "/" + rest; }

AuditRow governor(const Box& box, int core) {
  const auto text = box.read(core_path(core, "cpufreq/scaling_governor"));
  const auto driver = box.read(core_path(core, "cpufreq/scaling_driver"));
  return {"frequency governor",
          !text                    ? Grade::kUnknown
          : *text == "performance" ? Grade::kPass
                                   : Grade::kWarn,
          text ? *text + (driver ? " (driver " + *driver + ")" : "") : "no scaling_governor",
          "other governors lower the clock while the core waits for ticks",
          "cpupower frequency-set --governor performance",
          false};
}

// Where each driver says whether the clock may go above its nominal rate, and what it says when it may not.
struct TurboSwitch {
  std::string path, off;
};

AuditRow turbo(const Box& box, int core) {
  const TurboSwitch switches[] = {{core_path(core, "cpufreq/boost"), "0"},  // one core's, Linux 6.11
                                  {core_path(core, "cpufreq/cpb"), "0"},    // acpi-cpufreq on AMD
                                  {std::string(kCpus) + "intel_pstate/no_turbo", "1"},
                                  {std::string(kCpus) + "cpufreq/boost", "0"}};  // acpi-cpufreq, amd-pstate
  AuditRow row{"turbo",
               Grade::kUnknown,
               "none of cpufreq/boost, cpufreq/cpb and intel_pstate/no_turbo",
               "boost clocks move with heat and with what the other cores do, and so do latencies",
               "fix the clock: echo 1 > intel_pstate/no_turbo, or echo 0 > cpufreq/boost",
               false};
  for (const TurboSwitch& each : switches) {
    const auto text = box.read(each.path);
    if (!text) continue;
    const bool off = *text == each.off;
    if (row.grade != Grade::kPass) row.grade = off ? Grade::kPass : Grade::kWarn;  // any switch that is off is enough
    const std::string said = std::string(off ? "off" : "on") + ", by " + each.path.substr(std::strlen(kCpus));
    if (row.grade == Grade::kPass || row.seen.substr(0, 4) == "none") row.seen = said;
    if (off) break;
  }
  return row;
}

// The longest wake-up that may be asked of this core, us, by whoever holds a limit. Nothing when no limit can be read.
std::optional<std::int64_t> wake_limit(const Box& box, int core) {
  std::optional<std::int64_t> limit;
  const auto bytes = box.bytes("/dev/cpu_dma_latency", 4);  // root alone may read it; reading sets no limit
  if (bytes && bytes->size() == 4) {
    std::int32_t value = 0;
    std::memcpy(&value, bytes->data(), sizeof value);
    limit = value;
  }
  const auto own = box.read(core_path(core, "power/pm_qos_resume_latency_us"));  // "n/a": none at all; 0: no limit
  const auto number = own && *own == "n/a" ? std::optional<std::int64_t>(0) : to_number(own.value_or(""));
  if (number && (*number != 0 || *own == "n/a") && (!limit || *number < *limit)) limit = number;
  return limit;
}

AuditRow idle_states(const Box& box, int core) {
  AuditRow row{"C-states",
               Grade::kUnknown,
               "no cpuidle states",
               "a core that went to sleep between ticks needs up to 100 us to wake, with cold caches",
               "boot with idle=poll or processor.max_cstate=1, or hold /dev/cpu_dma_latency open at 0",
               false};
  if (box.boot_argument("idle") == "poll") {
    row.grade = Grade::kPass;
    row.seen = "idle=poll";
    return row;
  }
  const auto limit = wake_limit(box, core);
  std::string slow, all;
  for (const std::string& state : box.list(core_path(core, "cpuidle"))) {
    const std::string folder = core_path(core, "cpuidle/" + state + "/");
    const auto latency = to_number(box.read(folder + "latency").value_or(""));
    if (!latency) continue;
    const bool disabled = box.read(folder + "disable").value_or("0") != "0";
    const std::string text = box.read(folder + "name").value_or(state) + " " + std::to_string(*latency) + " us";
    all += (all.empty() ? "" : ", ") + text + (disabled ? " (disabled)" : "");
    if (!disabled && *latency > kSlowWakeUs && (!limit || *latency <= *limit))
      slow += (slow.empty() ? "" : ", ") + text;
  }
  if (all.empty()) return row;
  row.grade = slow.empty() ? Grade::kPass : Grade::kWarn;
  row.seen = (slow.empty() ? "wake-up latency: " + all : "slow to wake: " + slow) +
             (limit && *limit < 1'000'000 ? "; limited to " + std::to_string(*limit) + " us" : "");
  for (const char* module : {"intel_idle", "processor"})
    if (const auto most = box.read(std::string("/sys/module/") + module + "/parameters/max_cstate"))
      row.seen += std::string("; ") + module + ".max_cstate=" + *most;
  return row;
}

}  // namespace

void audit_power(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row : {governor, turbo, idle_states}) rows->push_back(row(box, core));
}

}  // namespace tickmlp::bench
