// SPDX-License-Identifier: Apache-2.0
// The audit's rows that only a measurement can fill.
#ifndef TICKMLP_BENCH_RUN_ROWS_H_
#define TICKMLP_BENCH_RUN_ROWS_H_
#include <optional>
#include <vector>

#include "audit/run_audit.h"

namespace tickmlp::bench {

// A count that should be 0. Unknown where there is none; `bad` is the grade above 0.
AuditRow counted_row(const char* name, std::optional<std::uint64_t> count, Grade bad, const char* seen, const char* why,
                     const char* mend, bool forcing);

AuditRow affinity_row(int core, bool kept);
AuditRow steal_row(const CoreDifference& difference);
AuditRow throttled_row(std::optional<std::uint64_t> before, std::optional<std::uint64_t> after);
AuditRow interrupts_row(const CoreDifference& difference);
// Gaps of the spinning loop longer than the tightest budget keep the verdict from PASS; without one they only warn.
AuditRow jitter_row(const RunFacts& facts);
AuditRow frequency_row(const std::vector<double>& fixed_work_ns);
AuditRow lock_row(tickmlp_lock lock);

// Rows of the box that read differently after the run. `governors` are the texts seen in between.
void add_changed_rows(const std::vector<AuditRow>& before, const std::vector<AuditRow>& after,
                      const std::set<std::string>& governors, int looks, std::vector<AuditRow>* rows);

}  // namespace tickmlp::bench
#endif
