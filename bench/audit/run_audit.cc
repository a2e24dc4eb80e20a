// SPDX-License-Identifier: Apache-2.0
#include "audit/run_audit.h"

#include <sched.h>

#include <algorithm>

#include "audit/cgroup.h"
#include "audit/run_rows.h"
#include "audit/stability.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(50);
constexpr double kIdleShare = 0.01;      // of the run; the kernel's own housekeeping takes less
constexpr double kTicksPerSecond = 100;  // of /proc/stat, on every Linux
constexpr int kMostCores = 8192;         // that Linux is built for

bool on_this_core_alone(int core) {
  cpu_set_t words[kMostCores / CPU_SETSIZE];
  CPU_ZERO_S(sizeof words, words);
  return sched_getcpu() == core && sched_getaffinity(0, sizeof words, words) == 0 &&
         CPU_COUNT_S(sizeof words, words) == 1 && CPU_ISSET_S(static_cast<std::size_t>(core), sizeof words, words);
}

std::string cpu_file(int core, const char* file) {
  return "/sys/devices/system/cpu/cpu" + std::to_string(core) + "/" + file;
}

}  // namespace

RunAudit::RunAudit(Box box, int core, const tickmlp_clock& clock, std::vector<int> session_cores)
    : box_(std::move(box)),
      core_(core),
      session_cores_(std::move(session_cores)),
      clock_(clock),
      before_(look()),
      events_(box_, core) {
  const std::string siblings = box_.read(cpu_file(core, "topology/thread_siblings_list")).value_or("");
  for (int other = 0; other < kMostCores; ++other)
    if (other != core && list_holds(siblings, other))
      if (const auto ticks = busy_ticks(box_, other)) sibling_ticks_[other] = *ticks;
  throttled_ = cpu_throttled(box_);
  start_ = std::chrono::steady_clock::now();
  last_look_ = start_ - kBetweenLooks;
  events_.read(&first_);
}

std::vector<AuditRow> RunAudit::look() const {
  std::vector<AuditRow> rows = audit_box(box_, core_);
  for (const int other : session_cores_) {
    if (other == core_) continue;
    rows.push_back(isolated_row(box_, other));
    rows.back().name += " " + std::to_string(other) + ", of a session";
  }
  return rows;
}

void RunAudit::during() {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_look_ < kBetweenLooks) return;
  looks_ += 1;
  moved_ |= !on_this_core_alone(core_);
  if (auto governor = box_.read(cpu_file(core_, "cpufreq/scaling_governor"))) governors_.insert(std::move(*governor));
  fixed_work_ns_.push_back(time_fixed_work(clock_));
  last_look_ = now;
}

AuditRow RunAudit::siblings() const {
  AuditRow row{"SMT sibling during the run",
               Grade::kPass,
               "the core has no other thread",
               "a busy second thread takes up to half of the core's ports and caches",
               "switch SMT off, or isolate the sibling too and leave it idle",
               false};
  const auto list = box_.read(cpu_file(core_, "topology/thread_siblings_list"));
  if (list && *list == std::to_string(core_)) return row;
  row.grade = Grade::kUnknown;
  row.seen = list ? "/proc/stat has no line of the other thread" : "topology unreadable";
  const std::chrono::duration<double> run = std::chrono::steady_clock::now() - start_;
  for (const auto& [other, ticks] : sibling_ticks_) {
    const auto now = busy_ticks(box_, other);
    if (!now || *now < ticks) continue;
    const auto busy = static_cast<double>(*now - ticks);
    const bool idle = busy <= 1 + kIdleShare * run.count() * kTicksPerSecond;  // one tick may have begun before
    if (row.grade != Grade::kWarn) row.grade = idle ? Grade::kPass : Grade::kWarn;
    row.seen = "core " + std::to_string(other) + " was busy for " + fixed_point(busy / kTicksPerSecond, 2) + " of " +
               fixed_point(run.count(), 2) + " s";
  }
  return row;
}

std::vector<AuditRow> RunAudit::after(const RunFacts& facts) {
  events_.read(&last_);
  const CoreDifference difference = events_.between(first_, last_);
  std::vector<AuditRow> rows = before_;
  std::erase_if(rows, [](const AuditRow& row) { return row.name == "steal" || row.name == "affinity"; });
  rows.push_back(affinity_row(core_, !moved_ && on_this_core_alone(core_)));
  rows.push_back(steal_row(difference));
  rows.push_back(throttled_row(throttled_, cpu_throttled(box_)));
  rows.push_back(counted_row("page faults", facts.page_faults, Grade::kFail, "in timed blocks",
                             "a fault costs 0.5 us and more", "report it: the timed region touches no new memory",
                             true));
  rows.push_back(counted_row("involuntary switches", facts.involuntary_switches, Grade::kFail, "in timed blocks",
                             "somebody else ran on the core", "isolate the core", true));
  rows.push_back(counted_row("clock backwards", facts.backwards, Grade::kFail, "samples, left out",
                             "the counter cannot be trusted", "use another machine", true));
  rows.push_back(interrupts_row(difference));
  rows.push_back(siblings());
  rows.push_back(jitter_row(facts));
  std::vector<double> fixed_work = facts.fixed_work_ns;
  fixed_work.insert(fixed_work.end(), fixed_work_ns_.begin(), fixed_work_ns_.end());
  rows.push_back(frequency_row(fixed_work));
  rows.push_back(lock_row(facts.lock));
  add_changed_rows(before_, look(), governors_, looks_, &rows);
  return rows;
}

}  // namespace tickmlp::bench
