// SPDX-License-Identifier: Apache-2.0
// The audit's rows that only a measurement can fill: what happened on the core while it ran.
#ifndef TICKMLP_BENCH_RUN_AUDIT_H_
#define TICKMLP_BENCH_RUN_AUDIT_H_
#include <optional>
#include <vector>

#include "audit/audit.h"
#include "certify/budget.h"
#include "measure/measure.h"

namespace tickmlp::bench {

// The counters of one core, read before the measurement begins.
struct CoreCounters {
  std::optional<std::uint64_t> steal, interrupts;
};
CoreCounters read_counters(const Box& box, int core);

// Appends the rows of the run; the box's own rows on steal and affinity give way to what was seen during it. Gaps of
// the spinning loop longer than the tightest budget keep the verdict from PASS.
void audit_run(const Box& box, int core, const CoreCounters& before, const Measurement& measured, tickmlp_lock lock,
               const std::vector<Budget>& budgets, std::vector<AuditRow>* rows);

}  // namespace tickmlp::bench
#endif
