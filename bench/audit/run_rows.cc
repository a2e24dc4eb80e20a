// SPDX-License-Identifier: Apache-2.0
#include "audit/run_rows.h"

#include <algorithm>

#include "audit/stability.h"
#include "measure/statistics.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr double kHarmlessGapNs = 10'000;  // without a budget: what one timer interrupt may take
constexpr double kSteadyFrequency = 0.02;  // about what central_ns resolves on a clock that steps by 10 ns

// These move on every machine, and rows of their own watch them during the run.
bool always_moving(const std::string& name) {
  return name == "load average" || name == "steal" || name == "explicit huge pages" || name == "affinity";
}

AuditRow changed_row(const AuditRow& was, const std::string& seen, Grade grade) {
  return {"changed during the run: " + was.name,
          grade == Grade::kPass ? Grade::kWarn : grade,
          seen,
          "one measurement then stands for two machines; " + was.why,
          "find who changed it (a power daemon, an orchestrator, a colleague) and measure again",
          was.forcing && grade != Grade::kPass};
}

}  // namespace

AuditRow counted_row(const char* name, std::optional<std::uint64_t> count, Grade bad, const char* seen, const char* why,
                     const char* mend, bool forcing) {
  return {name,
          !count        ? Grade::kUnknown
          : *count == 0 ? Grade::kPass
                        : bad,
          count ? with_commas(*count) + " " + seen : std::string("could not be read"),
          why,
          mend,
          forcing};
}

AuditRow affinity_row(int core, bool kept) {
  return {"affinity during the run",
          kept ? Grade::kPass : Grade::kFail,
          kept ? "still on core " + std::to_string(core) + " alone" : "changed during the run",
          "a thread that moves leaves its caches behind",
          "let nothing else change its affinity",
          true};
}

AuditRow steal_row(const CoreDifference& difference) {
  AuditRow row = counted_row("steal during the run", difference.steal_ticks, Grade::kFail, "",
                             "the hypervisor ran somebody else on this core", "measure on a bare machine", true);
  if (!difference.steal_ticks) row.seen = "no steal column in /proc/stat";
  else row.seen = fixed_point(static_cast<double>(*difference.steal_ticks) / 100, 2) + " s";
  return row;
}

// Unknown does not force: a machine without control groups has nobody to stop it.
AuditRow throttled_row(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after) {
  const bool known = before && after, stopped = known && *after != *before;
  return {"CPU quota during the run",
          !known    ? Grade::kUnknown
          : stopped ? Grade::kFail
                    : Grade::kPass,
          !known    ? "no control group readable"
          : stopped ? "the quota stopped this process's control group"
                    : "never stopped",
          "a group that has used up its quota is stopped until the next period begins, for up to 100 ms",
          "no CPU limit for this service: cpu.max = max",
          known};
}

AuditRow interrupts_row(const CoreDifference& difference) {
  const auto count = difference.interrupt_count;
  const std::string kinds = describe_interrupts(difference.interrupts, 2);
  AuditRow row = counted_row("interrupts during the run", count, Grade::kWarn, "taken on the core",
                             "each one takes some microseconds out of a sample",
                             "nohz_full, and move interrupts with /proc/irq/*/smp_affinity", false);
  if (!count) row.seen = "/proc/interrupts unreadable or masked";
  if (!kinds.empty()) row.seen += ": " + kinds;
  return row;
}

AuditRow jitter_row(const RunFacts& facts) {
  const bool watched = facts.gaps != nullptr && facts.gaps->count != 0, budget = facts.tightest_budget_ns > 0;
  const double limit = budget ? facts.tightest_budget_ns : kHarmlessGapNs;
  const double longest = watched ? static_cast<double>(facts.gaps->maximum) : 0;
  return {"jitter",
          !watched           ? Grade::kUnknown
          : longest <= limit ? Grade::kPass
                             : Grade::kWarn,
          !watched ? "not watched"
                   : "longest gap of a spinning loop " + describe_ns(longest) + ", " +
                         with_commas(count_above(*facts.gaps, kLongGapNs)) + " above 1 us in " +
                         fixed_point(facts.gap_seconds, 1) + " s; allowed " + describe_ns(limit),
          "gaps in a loop that does nothing are the box's, not the model's",
          "isolate the core, and see the other rows that do not pass",
          budget};
}

AuditRow frequency_row(const std::vector<double>& fixed_work_ns) {
  const double spread = relative_spread(fixed_work_ns);
  const bool known = fixed_work_ns.size() >= 2;
  return {"frequency drift",
          !known                       ? Grade::kUnknown
          : spread <= kSteadyFrequency ? Grade::kPass
                                       : Grade::kWarn,
          known ? "a fixed chain of multiplications varied by " + fixed_point(spread * 100, 1) + " % over the epochs"
                : "looked at less than twice",
          "the clock's ticks stay the same while the core's speed changes",
          "fix the frequency: see governor and turbo",
          false};
}

AuditRow lock_row(tickmlp_lock lock) {
  return {"weights locked",
          lock == TICKMLP_UNLOCKED ? Grade::kWarn : Grade::kPass,
          lock == TICKMLP_UNLOCKED       ? "no"
          : lock == TICKMLP_LOCKED_PAGES ? "yes, on 4 KiB pages"
                                         : "yes, on a 2 MiB page",
          "weights that were paged out cost a disk read",
          "raise the memlock limit (ulimit -l)",
          false};
}

void add_changed_rows(const std::vector<AuditRow>& before, const std::vector<AuditRow>& after,
                      const std::set<std::string>& governors, int looks, std::vector<AuditRow>* rows) {
  int changed = 0, compared = 0;
  for (const AuditRow& was : before) {
    const auto now =
        std::find_if(after.begin(), after.end(), [&](const AuditRow& each) { return each.name == was.name; });
    if (now == after.end() || always_moving(was.name)) continue;
    compared += 1;
    std::string seen;
    Grade grade = now->grade;
    if (now->seen != was.seen || now->grade != was.grade) {
      seen = "was " + was.seen + "; is " + now->seen;
    } else if (was.name == "frequency governor" && governors.size() > 1) {
      for (const std::string& governor : governors) seen += (seen.empty() ? "in turn " : ", ") + governor;
      grade = Grade::kWarn;
    }
    if (seen.empty()) continue;
    changed += 1;
    rows->push_back(changed_row(was, seen, grade));
  }
  if (changed != 0) return;
  rows->push_back({"changed during the run", Grade::kPass,
                   "nothing: " + std::to_string(compared) + " rows read the same afterwards, " + std::to_string(looks) +
                       (looks == 1 ? " look" : " looks") + " in between",
                   "one measurement would stand for two machines", "nothing to mend", false});
}

}  // namespace tickmlp::bench
