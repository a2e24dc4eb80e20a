// SPDX-License-Identifier: Apache-2.0
// The audit's rows about the machine and this process: clocks, memory, hypervisor, scheduling.
#include "audit/audit.h"

namespace tickmlp::bench {
namespace {

constexpr std::int64_t kEnoughMemlock = 4 << 20;  // a 2 MiB page for the weights, and room for a second model

bool has_word(const std::string& text, std::string_view word) {
  for (const std::string& each : split_words(text))
    if (each == word) return true;
  return false;
}

// x86 says "flags", AArch64 "Features".
std::optional<std::string> cpu_flags(const Box& box) { return box.line("/proc/cpuinfo", "flags"); }
bool is_arm(const Box& box) { return box.line("/proc/cpuinfo", "CPU implementer").has_value(); }

AuditRow virtualised(const Box& box, int) {
  AuditRow row{"virtualised",
               Grade::kUnknown,
               "no CPU flags and no machine name to tell by",
               "a hypervisor can stop the machine at any instant, unseen from inside",
               "measure on the bare machine that will run the model",
               true};
  const auto flags = cpu_flags(box);
  const std::string maker = box.read("/sys/class/dmi/id/sys_vendor").value_or("");
  const bool known_maker = maker == "QEMU" || maker == "Xen" || maker.substr(0, 6) == "VMware" ||
                           maker.substr(0, 6) == "Amazon" || maker.substr(0, 6) == "Google";
  if (box.read("/sys/hypervisor/type") || (flags && has_word(*flags, "hypervisor"))) {
    row.grade = Grade::kFail;
    row.seen = "runs under a hypervisor" + (maker.empty() ? "" : " (" + maker + ")");
  } else if (flags) {
    row.grade = Grade::kPass;
    row.seen = "no hypervisor flag";
  } else if (known_maker) {
    row.seen = "machine made by " + maker + ": virtual or not cannot be told";
  }
  return row;
}

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

AuditRow steal(const Box& box, int core) {
  const auto ticks = steal_ticks(box, core);
  return {"steal",
          !ticks        ? Grade::kUnknown
          : *ticks == 0 ? Grade::kPass
                        : Grade::kFail,
          ticks ? std::to_string(*ticks) + " hundredths of a second since boot" : "no steal column in /proc/stat",
          "time in which the hypervisor ran somebody else on this core",
          "measure on a bare machine",
          true};
}

// "always [madvise] never": the bracketed word is on.
AuditRow transparent_huge_pages(const Box& box, int) {
  const auto text = box.read("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::size_t open = text ? text->find('[') : std::string::npos;
  const std::string mode = open == std::string::npos ? "" : text->substr(open + 1, text->find(']') - open - 1);
  return {"transparent huge pages",
          mode.empty()      ? Grade::kUnknown
          : mode == "never" ? Grade::kWarn
                            : Grade::kPass,
          mode.empty() ? "setting unreadable" : mode,
          "weights on one 2 MiB page need one address translation instead of dozens",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
          false};
}

AuditRow explicit_huge_pages(const Box& box, int) {
  const std::string folder = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
  const auto total = box.read(folder + "nr_hugepages"), free = box.read(folder + "free_hugepages");
  return {"explicit huge pages",
          total ? Grade::kPass : Grade::kUnknown,
          total ? *total + " of 2 MiB reserved, " + free.value_or("?") + " free" : "no hugepages-2048kB",
          "none are needed: the weights take a transparent one; reserved ones are lost to everything else",
          "nothing to mend",
          false};
}

AuditRow swap(const Box& box, int) {
  const auto total = box.line("/proc/meminfo", "SwapTotal");
  const bool none = total && split_words(*total) == std::vector<std::string>{"0", "kB"};
  return {"swap",
          !total ? Grade::kUnknown
          : none ? Grade::kPass
                 : Grade::kWarn,
          total ? *total : "/proc/meminfo unreadable",
          "a page that was swapped out costs milliseconds when touched",
          "swapoff --all, or lock the memory",
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

AuditRow scheduling_class(const Box& box, int) {
  const std::string stat = box.read("/proc/self/stat").value_or("");
  const std::size_t name_end = stat.rfind(')');  // the name may hold blanks; fields count from behind it
  const auto fields =
      name_end == std::string::npos ? std::vector<std::string>() : split_words(stat.substr(name_end + 1));
  const auto policy = fields.size() > 38 ? to_number(fields[38]) : std::nullopt;  // field 41
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
  return {"real-time throttle",
          !text           ? Grade::kUnknown
          : *text == "-1" ? Grade::kPass
                          : Grade::kWarn,
          text ? "sched_rt_runtime_us = " + *text : "sched_rt_runtime_us unreadable",
          "by default a spinning real-time thread is stopped for 50 ms of every second",
          "sysctl kernel.sched_rt_runtime_us=-1 (matters for SCHED_FIFO and SCHED_RR)",
          false};
}

AuditRow locked_memory(const Box& box, int) {
  const auto limits = box.line("/proc/self/limits", "Max locked memory");
  const auto words = split_words(limits.value_or(""));
  const auto bytes = words.empty() ? std::nullopt : to_number(words[0]);
  const bool unlimited = !words.empty() && words[0] == "unlimited";
  return {"memlock limit",
          unlimited || (bytes && *bytes >= kEnoughMemlock) ? Grade::kPass
          : bytes                                          ? Grade::kWarn
                                                           : Grade::kUnknown,
          words.empty() ? "/proc/self/limits unreadable" : words[0] + (unlimited ? "" : " bytes"),
          "weights that cannot be locked can be paged out",
          "ulimit -l unlimited, or memlock in limits.conf",
          false};
}

AuditRow load_average(const Box& box, int) {
  const auto words = split_words(box.read("/proc/loadavg").value_or(""));
  const std::size_t dot = words.empty() ? 0 : words[0].find('.');
  const auto whole = words.empty() ? std::nullopt : to_number(words[0].substr(0, dot));
  return {"load average",
          !whole       ? Grade::kUnknown
          : *whole < 1 ? Grade::kPass
                       : Grade::kWarn,
          whole ? words[0] + " over one minute" : "/proc/loadavg unreadable",
          "other work shares the last-level cache, the memory and perhaps the core",
          "stop what need not run",
          false};
}

}  // namespace

void audit_system(const Box& box, int core, std::vector<AuditRow>* rows) {
  for (const auto row :
       {virtualised, invariant_counter, clock_source, steal, transparent_huge_pages, explicit_huge_pages, swap,
        mitigations, scheduling_class, real_time_throttle, locked_memory, load_average})
    rows->push_back(row(box, core));
}

std::vector<AuditRow> audit_box(const Box& box, int core) {
  std::vector<AuditRow> rows;
  audit_core(box, core, &rows);
  audit_system(box, core, &rows);
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
