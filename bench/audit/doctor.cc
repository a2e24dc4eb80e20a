// SPDX-License-Identifier: Apache-2.0
// `tickmlp doctor`: the audit of this box, with what to do about each row. It changes nothing.
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "audit/audit.h"
#include "audit/identity.h"
#include "audit/machine.h"
#include "cli.h"
#include "commands.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

json row_json(const AuditRow& row) {
  return {{"name", row.name}, {"grade", grade_name(row.grade)}, {"seen", row.seen}, {"why", row.why},
          {"mend", row.mend}, {"forcing", row.forcing}};
}

std::string row_text(const AuditRow& row) {
  std::string grade = grade_name(row.grade);
  grade.resize(9, ' ');
  std::string text = grade + row.name + (row.forcing ? " *" : "") + ": " + wrapped(row.seen, 11) + "\n";
  if (row.grade == Grade::kPass) return text;
  return text + "           why:  " + wrapped(row.why, 17) + "\n           mend: " + wrapped(row.mend, 17) + "\n";
}

std::string totals(const std::vector<AuditRow>& rows) {
  std::string text;
  for (const Grade grade : {Grade::kPass, Grade::kWarn, Grade::kFail, Grade::kUnknown}) {
    const auto count = std::count_if(rows.begin(), rows.end(), [&](const AuditRow& row) { return row.grade == grade; });
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + grade_name(grade);
  }
  return text;
}

// What it means for a certificate that is made here.
std::string consequence(const std::vector<AuditRow>& rows) {
  std::string names;
  for (const AuditRow& row : rows)
    if (row.forcing && row.grade != Grade::kPass) names += (names.empty() ? "" : ", ") + row.name;
  if (names.empty())
    return "All rows with * pass: a certificate from this core can say PASS, if nothing happens during its run.";
  return "Rows with * have to pass, or a certificate says INCONCLUSIVE at best. Here these do not: " + names + ".";
}

// Thirty rows about nothing would be believed.
void check_place(const DoctorOptions& options, const Box& box, int core) {
  std::error_code error;
  if (!options.root.empty() && !std::filesystem::is_directory(options.root, error))
    refuse("--root " + printable(options.root) + ": expected a folder with proc and sys in it");
  const auto present = box.read("/sys/devices/system/cpu/present");
  if (present && !list_holds(*present, core))
    refuse("there is no core " + std::to_string(core) + " on this box; expected --core with one of " + *present);
}

}  // namespace

std::vector<int> allowed_cores() {
  cpu_set_t words[8];  // 8,192 cores, the most that Linux is built for
  CPU_ZERO_S(sizeof words, words);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof words, words) != 0) return {0};
  for (int core = 0; core < 8 * CPU_SETSIZE; ++core)
    if (CPU_ISSET_S(static_cast<std::size_t>(core), sizeof words, words)) cores.push_back(core);
  return cores.empty() ? std::vector<int>{0} : cores;
}

int last_allowed_core() { return allowed_cores().back(); }

int doctor(const DoctorOptions& options) {
  const Box box(options.root);
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  check_place(options, box, core);
  const std::vector<AuditRow> rows = audit_box(box, core);
  if (options.json) {
    json list = json::array();
    for (const AuditRow& row : rows) list.push_back(row_json(row));
    const json report{{"schema", "tickmlp-doctor/1"},       {"core", core},        {"rows", list},
                      {"machine", machine_json(box, core)}, {"tool", tool_json()}, {"host", host_hash()}};
    print(report.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  } else {
    print("The box as core " + std::to_string(core) + " sees it. This reads and changes nothing.\n");
    print(wrapped(machine_text(box, core), 0) + "\n\n");
    for (const AuditRow& row : rows) print(row_text(row));
    print("\n" + totals(rows) + ".\n" + wrapped(consequence(rows), 0) + "\n");
  }
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
