// SPDX-License-Identifier: Apache-2.0
// The audit's rows about one core: who else runs there.
#include <set>

#include "audit/audit.h"
#include "audit/cgroup.h"

namespace tickmlp::bench {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu/";
constexpr int kNamesShown = 3;
// What each folder of /proc/irq holds beside one folder for each device.
const std::set<std::string> kIrqFiles = {"affinity_hint", "effective_affinity", "effective_affinity_list",
                                         "node",          "smp_affinity",       "smp_affinity_list",
                                         "spurious"};

std::string core_path(int core, const std::string& rest) { return kCpus + ("cpu" + std::to_string(core)) + "/" + rest; }

// "" reads badly in a table.
std::string list_or_none(const std::string& list) { return list.empty() || list == "(null)" ? "none" : list; }

// A row about a kernel list of cores that should hold this one.
Grade holds_core(const std::optional<std::string>& list, int core, Grade otherwise) {
  if (!list) return Grade::kUnknown;
  return list_holds(*list, core) ? Grade::kPass : otherwise;
}

AuditRow nohz_full(const Box& box, int core) {
  const std::string path = std::string(kCpus) + "nohz_full";
  const auto list = box.read(path);
  const bool without = !list && box.read(std::string(kCpus) + "present");  // the folder can be read
  return {"nohz_full",
          without ? Grade::kWarn : holds_core(list, core, Grade::kWarn),
          list      ? "tickless cores: " + list_or_none(*list)
          : without ? "this kernel was built without it"
                    : path + " unreadable",
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

// Interrupts that the kernel would deliver to this core, by the devices' names (a folder each).
AuditRow routed_interrupts(const Box& box, int core) {
  std::string names;
  int here = 0, known = 0;
  for (const std::string& number : box.list("/proc/irq")) {
    const std::string folder = "/proc/irq/" + number;
    const auto cores = box.read(folder + "/effective_affinity_list");
    if (!cores || cores->empty()) continue;
    known += 1;
    if (!list_holds(*cores, core)) continue;
    if (++here > kNamesShown) continue;
    names += names.empty() ? "" : ", ";
    std::string name = "irq " + number;
    for (const std::string& entry : box.list(folder))
      if (!kIrqFiles.contains(entry)) name = entry;
    names += name;
  }
  const std::string more = here > kNamesShown ? " and " + std::to_string(here - kNamesShown) + " more" : "";
  return {"interrupts sent here",
          known == 0  ? Grade::kUnknown
          : here == 0 ? Grade::kPass
                      : Grade::kWarn,
          known == 0  ? "/proc/irq/*/effective_affinity_list unreadable"
          : here == 0 ? "none of " + std::to_string(known)
                      : std::to_string(here) + " of " + std::to_string(known) + ": " + names + more,
          "a device's interrupt takes 2 to 20 us out of a sample",
          "move them by /proc/irq/*/smp_affinity_list; those that a driver manages only by isolcpus=managed_irq",
          false};
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

// Field 41 of /proc/self/stat; fields count from behind the name, which may hold blanks.
std::optional<std::int64_t> scheduling_policy(const Box& box) {
  const std::string stat = box.read("/proc/self/stat").value_or("");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = split_words(stat.substr(name_end + 1));
  return fields.size() > 38 ? to_number(fields[38]) : std::nullopt;
}

AuditRow scheduling_class(const Box& box, int) {
  const auto policy = scheduling_policy(box);
  constexpr const char* kNames[] = {"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",      "SCHED_BATCH",
                                    "?",           "SCHED_IDLE", "SCHED_DEADLINE"};
  const bool known = policy && *policy >= 0 && *policy < 7;
  const bool real_time = known && (*policy == 1 || *policy == 2 || *policy == 6);
  return {"scheduling class",
          !known      ? Grade::kUnknown
          : real_time ? Grade::kPass
                      : Grade::kWarn,
          known ? kNames[*policy] : "/proc/self/stat unreadable",
          "an ordinary thread shares its core with whatever else may run there",
          "an isolated core makes this harmless; else chrt --fifo 1",
          false};
}

AuditRow real_time_throttle(const Box& box, int) {
  const auto text = box.read("/proc/sys/kernel/sched_rt_runtime_us");
  const auto policy = scheduling_policy(box);
  const bool concerned = !policy || *policy == 1 || *policy == 2;  // SCHED_FIFO, SCHED_RR
  return {"real-time throttle",
          !text                         ? Grade::kUnknown
          : *text == "-1" || !concerned ? Grade::kPass
                                        : Grade::kWarn,
          text ? "sched_rt_runtime_us = " + *text + (concerned ? "" : "; not for this scheduling class")
               : "sched_rt_runtime_us unreadable",
          "by default a spinning real-time thread is stopped for 50 ms of every second",
          "sysctl kernel.sched_rt_runtime_us=-1 (matters for SCHED_FIFO and SCHED_RR)",
          false};
}

}  // namespace

// Whether the boot arguments or a cpuset partition keep the scheduler from balancing load onto this core.
AuditRow isolated_row(const Box& box, int core) {
  const auto list = box.read(std::string(kCpus) + "isolated");
  std::string partition;
  const bool by_partition = in_isolated_partition(box, core, &partition);
  const bool by_boot = list && list_holds(*list, core);
  const std::string boot = list ? "isolcpus: " + list_or_none(*list) : "isolated cores unreadable";
  return {"isolated core",
          by_boot || by_partition      ? Grade::kPass
          : list || !partition.empty() ? Grade::kFail
                                       : Grade::kUnknown,
          boot + (partition.empty() ? "" : "; " + partition),
          "the scheduler puts other work on a core that is not isolated, in the middle of an inference",
          "boot with isolcpus=" + std::to_string(core) + " (or make an isolated cpuset partition) and pin to that core",
          true};
}

void audit_core(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row :
       {isolated_row, nohz_full, rcu_nocbs, sibling, routed_interrupts, affinity, scheduling_class, real_time_throttle})
    rows->push_back(row(box, core));
}

}  // namespace tickmlp::bench
