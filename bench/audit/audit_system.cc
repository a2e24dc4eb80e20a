// SPDX-License-Identifier: Apache-2.0
// The audit's rows about the clock and about what the kernel does on every core by itself.
#include "audit/audit.h"

namespace tickmlp::bench {
namespace {

constexpr std::int64_t kRareSeconds = 10;  // a worker that comes once in 10 s is not worth a warning

// x86 says "flags", AArch64 "Features".
std::optional<std::string> cpu_flags(const Box& box) { return box.line("/proc/cpuinfo", "flags"); }
bool is_arm(const Box& box) { return box.line("/proc/cpuinfo", "CPU implementer").has_value(); }

AuditRow invariant_counter(const Box& box, int) {
  AuditRow row{"invariant TSC",   Grade::kUnknown,
               "no CPU flags",    "a counter that changes its rate with the core's frequency measures no time",
               "use another CPU", true};
  if (const auto flags = cpu_flags(box)) {
    const bool constant = has_word(*flags, "constant_tsc"), always_on = has_word(*flags, "nonstop_tsc");
    row.grade = constant && always_on ? Grade::kPass : Grade::kFail;
    row.seen =
        std::string(constant ? "constant_tsc" : "no constant_tsc") + (always_on ? ", nonstop_tsc" : ", no nonstop_tsc");
  } else if (is_arm(box)) {
    row.grade = Grade::kPass;
    row.seen = "AArch64 generic timer: one rate by architecture";
  }
  return row;
}

AuditRow clock_source(const Box& box, int) {
  const auto text = box.read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  const bool good = text && (*text == "tsc" || *text == "arch_sys_counter");
  return {"clock source",
          !text  ? Grade::kUnknown
          : good ? Grade::kPass
                 : Grade::kWarn,
          text ? *text : "current_clocksource unreadable",
          "where the kernel itself does not use the CPU's counter, it has found it unsteady",
          "boot with tsc=reliable if the counter is known to be good",
          false};
}

AuditRow mitigations(const Box& box, int) {
  const std::string folder = "/sys/devices/system/cpu/vulnerabilities";
  int mitigated = 0, vulnerable = 0;
  for (const std::string& name : box.list(folder)) {
    const std::string text = box.read(folder + "/" + name).value_or("");
    mitigated += text.substr(0, 10) == "Mitigation";
    vulnerable += text.substr(0, 10) == "Vulnerable";
  }
  const bool read = box.read("/proc/cmdline").has_value();
  const std::string argument = box.boot_argument("mitigations").value_or("default");
  return {"mitigations",
          read ? Grade::kPass : Grade::kUnknown,
          "mitigations=" + (read ? argument : "?") + ", " + std::to_string(mitigated) + " mitigated, " +
              std::to_string(vulnerable) + " vulnerable",
          "they slow down system calls and switches; an inference makes none, so this is for the record only",
          "nothing to mend for this program",
          false};
}

AuditRow watchdogs(const Box& box, int core) {
  const std::string folder = "/proc/sys/kernel/";
  const auto hard = box.read(folder + "nmi_watchdog"), soft = box.read(folder + "soft_watchdog");
  const auto cores = box.read(folder + "watchdog_cpumask");
  const bool elsewhere = cores && !list_holds(*cores, core);
  const bool on = (hard && *hard != "0") || (soft && *soft != "0");
  return {"watchdogs",
          !hard && !soft     ? Grade::kUnknown
          : !on || elsewhere ? Grade::kPass
                             : Grade::kWarn,
          !hard && !soft ? "nmi_watchdog and soft_watchdog unreadable"
                         : "nmi_watchdog " + hard.value_or("?") + ", soft_watchdog " + soft.value_or("?") +
                               ", on cores " + cores.value_or("?"),
          "the hard one interrupts every ten seconds and takes a performance counter, the soft one wakes a thread",
          "boot with nowatchdog, or sysctl kernel.watchdog_cpumask without this core",
          false};
}

AuditRow timer_migration(const Box& box, int) {
  const auto text = box.read("/proc/sys/kernel/timer_migration");
  return {"timer migration",
          !text          ? Grade::kUnknown
          : *text == "1" ? Grade::kPass
                         : Grade::kWarn,
          text ? "timer_migration = " + *text : "timer_migration unreadable",
          "without it, timers that other work once set on this core go off on it",
          "sysctl kernel.timer_migration=1",
          false};
}

AuditRow statistics_worker(const Box& box, int core) {
  const auto seconds = to_number(box.read("/proc/sys/vm/stat_interval").value_or(""));
  const bool tickless = list_holds(box.read("/sys/devices/system/cpu/nohz_full").value_or(""), core);
  return {"statistics worker",
          !seconds                               ? Grade::kUnknown
          : *seconds >= kRareSeconds || tickless ? Grade::kPass
                                                 : Grade::kWarn,
          !seconds ? "vm.stat_interval unreadable"
                   : "every " + std::to_string(*seconds) + " s" + (tickless ? ", not on tickless cores" : ""),
          "a kernel thread folds each core's memory counters at this interval, some microseconds on the core",
          "sysctl vm.stat_interval=120",
          false};
}

// The kernel's mask is hexadecimal in groups of 32 cores, the highest first: "0000000f,ffffffff".
bool mask_holds(const std::string& mask, int core) {
  std::string digits;
  for (const char each : mask)
    if (each != ',') digits += each;
  const auto from_end = static_cast<std::size_t>(core / 4);
  if (from_end >= digits.size()) return false;
  const std::size_t digit = std::string("0123456789abcdef").find(digits[digits.size() - 1 - from_end]);
  return digit != std::string::npos && (digit >> (core % 4) & 1) != 0;
}

AuditRow unbound_work(const Box& box, int core) {
  const auto mask = box.read("/sys/devices/virtual/workqueue/cpumask");
  return {"kernel's own work",
          !mask                     ? Grade::kUnknown
          : mask_holds(*mask, core) ? Grade::kWarn
                                    : Grade::kPass,
          mask ? "workqueues may use the cores of mask " + *mask : "workqueue/cpumask unreadable",
          "work that the kernel puts off (writing to disk, freeing) may run on this core",
          "isolcpus does it, or write a mask without this core to /sys/devices/virtual/workqueue/cpumask",
          false};
}

}  // namespace

void audit_system(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row :
       {invariant_counter, clock_source, mitigations, watchdogs, timer_migration, statistics_worker, unbound_work})
    rows->push_back(row(box, core));
}

std::vector<AuditRow> audit_box(const Box& box, int core) {
  std::vector<AuditRow> rows;
  for (const auto part : {audit_core, audit_power, audit_host, audit_memory, audit_system}) part(box, core, &rows);
  return rows;
}

const char* grade_name(Grade grade) {
  switch (grade) {
    case Grade::kPass: return "pass";
    case Grade::kWarn: return "warn";
    case Grade::kFail: return "fail";
    case Grade::kUnknown: return "unknown";
  }
  return "unknown";
}

}  // namespace tickmlp::bench
