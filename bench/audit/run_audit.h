// SPDX-License-Identifier: Apache-2.0
// The audit of one run: the box before it, looks at it in between, and after it what has changed and what happened.
#ifndef TICKMLP_BENCH_RUN_AUDIT_H_
#define TICKMLP_BENCH_RUN_AUDIT_H_
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/core_events.h"
#include "tickmlp.h"

namespace tickmlp::bench {

// What only the measurement itself can know.
struct RunFacts {
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // in the timed blocks, this thread
  std::uint64_t backwards = 0;                              // samples whose end was read below their begin
  const tickmlp_recorder* gaps = nullptr;                   // of a spinning loop, ns; nullptr: not watched
  double gap_seconds = 0;                                   // how long it was watched
  std::vector<double> fixed_work_ns;                        // see stability.h; beside those that during() takes
  tickmlp_lock lock = TICKMLP_UNLOCKED;                     // of the weights
  double tightest_budget_ns = 0;                            // 0: no budget
};

// Belongs to the thread that is measured, which is pinned already. Never changes the box; no errors: what cannot be
// read becomes an `unknown` row.
class RunAudit {
 public:
  // Reads every row of audit_box and the counters: about 6 ms. `session_cores` are those of several sessions: a row
  // "isolated core N, of a session" for each but `core` itself, forcing as that of `core` is.
  RunAudit(Box box, int core, const tickmlp_clock& clock, std::vector<int> session_cores = {});

  const std::vector<AuditRow>& before() const { return before_; }

  // Between two blocks, as often as it is convenient: looks at most once in 50 ms, at the affinity, the governor, and
  // the frequency by a fixed chain of instructions; about 80 us. A look in between costs a clock reading. Leaves caches
  // colder, so never between a block's warm-up and its samples.
  void during();

  // The whole audit, to be asked for once when the run is over: the box's rows as they were before, those of the run,
  // and a row "changed during the run: NAME" for each row of the box that now reads differently or was seen to in
  // between.
  std::vector<AuditRow> after(const RunFacts& facts);

 private:
  AuditRow siblings() const;
  std::vector<AuditRow> look() const;

  Box box_;
  int core_;
  std::vector<int> session_cores_;
  tickmlp_clock clock_;
  std::vector<AuditRow> before_;
  CoreEvents events_;
  CoreSnapshot first_, last_;
  std::optional<std::uint64_t> throttled_;
  std::map<int, std::uint64_t> sibling_ticks_;  // busy before, of each other thread of the core
  std::chrono::steady_clock::time_point start_, last_look_;
  std::set<std::string> governors_;
  std::vector<double> fixed_work_ns_;
  bool moved_ = false;  // the affinity was not this core alone
  int looks_ = 0;
};

}  // namespace tickmlp::bench
#endif
