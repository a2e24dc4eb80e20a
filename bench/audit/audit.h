// SPDX-License-Identifier: Apache-2.0
// What on this machine can spoil a latency, read and graded, never changed.
#ifndef TICKMLP_BENCH_AUDIT_H_
#define TICKMLP_BENCH_AUDIT_H_
#include <string>
#include <vector>

#include "audit/box.h"

namespace tickmlp::bench {

enum class Grade { kPass, kWarn, kFail, kUnknown };
const char* grade_name(Grade grade);  // "pass"

struct AuditRow {
  std::string name;
  Grade grade;
  std::string seen;  // what was read
  std::string why;   // why it matters
  std::string mend;  // how to mend it
  bool forcing;      // anything but a pass keeps a certificate from PASS
};

// Every row there is for `core`, in a fixed order. Rows whose files cannot be read are kUnknown.
std::vector<AuditRow> audit_box(const Box& box, int core);

// The row "isolated core" of audit_box() for one core.
AuditRow isolated_row(const Box& box, int core);

// Its parts.
void audit_core(const Box& box, int core, std::vector<AuditRow>* rows);    // who else runs on the core
void audit_power(const Box& box, int core, std::vector<AuditRow>* rows);   // how fast and how awake it is
void audit_host(const Box& box, int core, std::vector<AuditRow>* rows);    // hypervisor, container, quota
void audit_memory(const Box& box, int core, std::vector<AuditRow>* rows);  // pages and who may move them
void audit_system(const Box& box, int core, std::vector<AuditRow>* rows);  // clock, and the kernel's own work

}  // namespace tickmlp::bench
#endif
