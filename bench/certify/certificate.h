// SPDX-License-Identifier: Apache-2.0
// Everything a certificate says, and its two forms: JSON for programs, a table for people.
#ifndef TICKMLP_BENCH_CERTIFICATE_H_
#define TICKMLP_BENCH_CERTIFICATE_H_
#include <string>
#include <vector>

#include "audit/audit.h"
#include "certify/conclusion.h"
#include "certify/correctness.h"
#include "measure/measure.h"

namespace tickmlp::bench {

struct InputSet {
  std::string source;  // a file's name, or "golden vectors"
  std::vector<float> values;
  std::uint64_t states = 0;
  std::string sha256;  // of the values' bytes
};

struct Certificate {
  std::string command, started, finished;  // UTC, 2026-01-31T12:00:00Z
  std::string processor, operating_system;
  std::string blob;  // its path, printable
  const tickmlp_model_info* model = nullptr;
  int core = 0;
  bool judge_tick = false;  // budgets are for the tick path, not the full one
  tickmlp_clock clock{};
  const char* memory_isa = "";
  Plan plan{};
  InputSet input;
  Correctness correctness;
  Measurement measurement;
  tickmlp_counters counters{};
  std::vector<AuditRow> audit;
  std::vector<Judgement> judgements;
  Conclusion conclusion;
  int interrupt_signal = 0;
  bool complete = false;
};

// Full path over memory floor, of central_ns with the timer's taken off both; 0 when it cannot be told.
double full_to_memory_floor(const Measurement& measurement);
// Likewise tick path over full path in a scenario; 0 where the model has no window, or it was not measured.
double tick_to_full(const Measurement& measurement, const std::string& scenario = "hot");

std::string certificate_json(const Certificate& certificate);
std::string certificate_table(const Certificate& certificate);

}  // namespace tickmlp::bench
#endif
