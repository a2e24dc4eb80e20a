// SPDX-License-Identifier: Apache-2.0
// The audit's rows about one core: who else runs there, and how fast and how awake it is kept.
#include "audit/audit.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu/";
constexpr std::int64_t kSlowWakeUs = 2;  // waking from a deeper idle state costs more than a whole inference

std::string core_path(int core, const std::string& rest) { return kCpus + ("cpu" + std::to_string(core)) + "/" + rest; }

// "" reads badly in a table.
std::string list_or_none(const std::string& list) { return list.empty() || list == "(null)" ? "none" : list; }

// A row about a kernel list of cores that should hold this one.
Grade holds_core(const std::optional<std::string>& list, int core, Grade otherwise) {
  if (!list) return Grade::kUnknown;
  return list_holds(*list, core) ? Grade::kPass : otherwise;
}

AuditRow isolated(const Box& box, int core) {
  const std::string path = std::string(kCpus) + "isolated";
  const auto list = box.read(path);
  return {"isolated core",
          holds_core(list, core, Grade::kFail),
          list ? "isolated cores: " + list_or_none(*list) : path + " unreadable",
          "the scheduler puts other work on a core that is not isolated, in the middle of an inference",
          "boot with isolcpus=" + std::to_string(core) + " (or a cpuset partition) and pin to that core",
          true};
}

AuditRow nohz_full(const Box& box, int core) {
  const std::string path = std::string(kCpus) + "nohz_full";
  const auto list = box.read(path);
  return {"nohz_full",
          holds_core(list, core, Grade::kWarn),
          list ? "tickless cores: " + list_or_none(*list) : path + " unreadable",
          "the timer tick interrupts a busy core 100 to 1,000 times a second, some microseconds each",
          "boot with nohz_full=" + std::to_string(core),
          false};
}

AuditRow rcu_nocbs(const Box& box, int core) {
  const auto command_line = box.read("/proc/cmdline");
  auto list = box.boot_argument("rcu_nocbs");
  if (!list) list = box.boot_argument("nohz_full");  // implies it
  if (!list && command_line) list = "";
  return {"rcu_nocbs",
          holds_core(list, core, Grade::kWarn),
          list ? "offloaded cores: " + list_or_none(*list) : "/proc/cmdline unreadable",
          "the kernel's deferred frees run on the core that queued them",
          "boot with rcu_nocbs=" + std::to_string(core),
          false};
}

AuditRow sibling(const Box& box, int core) {
  const auto list = box.read(core_path(core, "topology/thread_siblings_list"));
  const bool alone = list && *list == std::to_string(core);
  return {"SMT sibling",
          !list   ? Grade::kUnknown
          : alone ? Grade::kPass
                  : Grade::kWarn,
          !list   ? "topology unreadable"
          : alone ? "the core has no other thread"
                  : "threads of this core: " + *list,
          "a second thread on the same core shares its L1 and L2 caches and its ports: up to twice the time",
          "switch SMT off, or take the sibling offline or leave it idle and isolated too",
          false};
}

AuditRow governor(const Box& box, int core) {
  const auto text = box.read(core_path(core, "cpufreq/scaling_governor"));
  return {"frequency governor",
          !text                    ? Grade::kUnknown
          : *text == "performance" ? Grade::kPass
                                   : Grade::kWarn,
          text ? *text : "no scaling_governor",
          "other governors lower the clock while the core waits for ticks",
          "cpupower frequency-set --governor performance",
          false};
}

AuditRow turbo(const Box& box, int) {
  const auto no_turbo = box.read(std::string(kCpus) + "intel_pstate/no_turbo");
  const auto boost = box.read(std::string(kCpus) + "cpufreq/boost");
  AuditRow row{"turbo",
               Grade::kUnknown,
               "neither intel_pstate/no_turbo nor cpufreq/boost",
               "boost clocks move with heat and with what the other cores do, and so do latencies",
               "fix the clock: echo 1 > intel_pstate/no_turbo, or echo 0 > cpufreq/boost",
               false};
  if (!no_turbo && !boost) return row;
  const bool off = no_turbo ? *no_turbo == "1" : *boost == "0";
  row.grade = off ? Grade::kPass : Grade::kWarn;
  row.seen = off ? "off" : "on";
  return row;
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
  std::string slow, all;
  for (const std::string& state : box.list(core_path(core, "cpuidle"))) {
    const std::string folder = core_path(core, "cpuidle/" + state + "/");
    const auto latency = to_number(box.read(folder + "latency").value_or(""));
    if (!latency) continue;
    const bool disabled = box.read(folder + "disable").value_or("0") != "0";
    const std::string text = box.read(folder + "name").value_or(state) + " " + std::to_string(*latency) + " us";
    all += (all.empty() ? "" : ", ") + text + (disabled ? " (disabled)" : "");
    if (!disabled && *latency > kSlowWakeUs) slow += (slow.empty() ? "" : ", ") + text;
  }
  if (all.empty()) return row;
  row.grade = slow.empty() ? Grade::kPass : Grade::kWarn;
  row.seen = slow.empty() ? "wake-up latency: " + all : "slow to wake: " + slow;
  return row;
}

AuditRow affinity(const Box& box, int core) {
  const auto list = box.line("/proc/self/status", "Cpus_allowed_list");
  return {"affinity",
          holds_core(list, core, Grade::kFail),
          list ? "allowed cores: " + *list : "/proc/self/status unreadable",
          "a core outside this process's cpuset or affinity cannot be pinned to",
          "start under taskset, or give the cpuset this core",
          true};
}

}  // namespace

void audit_core(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row : {isolated, nohz_full, rcu_nocbs, sibling, governor, turbo, idle_states, affinity})
    rows->push_back(row(box, core));
}

}  // namespace tickmlp::bench
