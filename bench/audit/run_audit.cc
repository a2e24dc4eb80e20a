// SPDX-License-Identifier: Apache-2.0
#include "audit/run_audit.h"

#include <sched.h>

#include <algorithm>

#include "audit/stability.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr double kHarmlessGapNs = 10'000;  // without a budget: what one timer interrupt may take
constexpr double kSteadyFrequency = 0.02;  // about what central_ns resolves on a clock that steps by 10 ns

AuditRow counted(const char* name, const std::optional<std::uint64_t>& count, Grade bad, const char* seen,
                 const char* why, const char* mend, bool forcing) {
  return {name,
          !count        ? Grade::kUnknown
          : *count == 0 ? Grade::kPass
                        : bad,
          count ? with_commas(*count) + " " + seen : std::string("could not be read"),
          why,
          mend,
          forcing};
}

std::optional<std::uint64_t> difference(const std::optional<std::uint64_t>& before,
                                        const std::optional<std::uint64_t>& after) {
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

AuditRow affinity(int core) {
  cpu_set_t words[8];  // 8,192 cores
  CPU_ZERO_S(sizeof words, words);
  const bool pinned = sched_getcpu() == core && sched_getaffinity(0, sizeof words, words) == 0 &&
                      CPU_COUNT_S(sizeof words, words) == 1 &&
                      CPU_ISSET_S(static_cast<std::size_t>(core), sizeof words, words);
  return {"affinity during the run",
          pinned ? Grade::kPass : Grade::kFail,
          pinned ? "still on core " + std::to_string(core) + " alone" : "changed during the run",
          "a thread that moves leaves its caches behind",
          "let nothing else change its affinity",
          true};
}

AuditRow jitter(const tickmlp_recorder& gaps, const std::vector<Budget>& budgets) {
  double limit = budgets.empty() ? kHarmlessGapNs : budgets[0].ns;
  for (const Budget& budget : budgets) limit = std::min(limit, budget.ns);
  const bool within = static_cast<double>(gaps.maximum) <= limit;
  return {"jitter",
          gaps.count == 0 ? Grade::kUnknown
          : within        ? Grade::kPass
                          : Grade::kWarn,
          gaps.count == 0 ? "not watched"
                          : "longest gap of a spinning loop " + describe_ns(static_cast<double>(gaps.maximum)) + ", " +
                                with_commas(long_gaps(gaps)) + " above 1 us in 0.1 s; allowed " + describe_ns(limit),
          "gaps in a loop that does nothing are the box's, not the model's",
          "isolate the core, and see the other rows that do not pass",
          !budgets.empty()};
}

AuditRow frequency(const std::vector<double>& fixed_work_ns) {
  const double spread = relative_spread(fixed_work_ns);
  return {"frequency drift",
          fixed_work_ns.size() < 2     ? Grade::kUnknown
          : spread <= kSteadyFrequency ? Grade::kPass
                                       : Grade::kWarn,
          "a fixed chain of multiplications varied by " + fixed_point(spread * 100, 1) + " % over the epochs",
          "the clock's ticks stay the same while the core's speed changes",
          "fix the frequency: see governor and turbo",
          false};
}

}  // namespace

CoreCounters read_counters(const Box& box, int core) { return {steal_ticks(box, core), interrupts_taken(box, core)}; }

void audit_run(const Box& box, int core, const CoreCounters& before, const Measurement& measured, tickmlp_lock lock,
               const std::vector<Budget>& budgets, std::vector<AuditRow>* rows) {
  const CoreCounters after = read_counters(box, core);
  std::erase_if(*rows, [](const AuditRow& row) { return row.name == "steal" || row.name == "affinity"; });
  rows->push_back(affinity(core));
  rows->push_back(counted("steal during the run", difference(before.steal, after.steal), Grade::kFail,
                          "hundredths of a second", "the hypervisor ran somebody else on this core",
                          "measure on a bare machine", true));
  rows->push_back(counted("page faults", measured.page_faults, Grade::kFail, "in timed blocks",
                          "a fault costs 0.5 us and more", "report it: the timed region touches no new memory", true));
  rows->push_back(counted("involuntary switches", measured.involuntary_switches, Grade::kFail, "in timed blocks",
                          "somebody else ran on the core", "isolate the core", true));
  rows->push_back(counted("clock backwards", measured.backwards, Grade::kFail, "samples, left out",
                          "the counter cannot be trusted", "use another machine", true));
  rows->push_back(counted("interrupts during the run", difference(before.interrupts, after.interrupts), Grade::kWarn,
                          "taken on the core", "each one takes some microseconds out of a sample",
                          "nohz_full, and move interrupts with /proc/irq/*/smp_affinity", false));
  rows->push_back(jitter(measured.jitter, budgets));
  rows->push_back(frequency(measured.fixed_work_ns));
  rows->push_back({"weights locked", lock == TICKMLP_UNLOCKED ? Grade::kWarn : Grade::kPass,
                   lock == TICKMLP_UNLOCKED       ? "no"
                   : lock == TICKMLP_LOCKED_PAGES ? "yes, on 4 KiB pages"
                                                  : "yes, on a 2 MiB page",
                   "weights that were paged out cost a disk read", "raise the memlock limit (ulimit -l)", false});
}

}  // namespace tickmlp::bench
