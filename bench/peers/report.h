// SPDX-License-Identifier: Apache-2.0
// What a comparison found, as JSON (the fields are a promise: docs/PEERS.md) and as a table.
#ifndef TICKMLP_BENCH_PEERS_REPORT_H_
#define TICKMLP_BENCH_PEERS_REPORT_H_
#include "agreement.h"
#include "tickmlp.h"

namespace tickmlp::bench {

struct Row {
  std::string system, version, dtype, path, model;
  bool ours;
  Agreement agreement;
  bool elsewhere = false;  // timed in another process, and its outputs not compared
  bool timed = false;      // then the figures below hold, in ns, with the timer in them
  double central_ns = 0;
  std::uint64_t p50_ns = 0, p99_ns = 0, count = 0;
};

struct ModelResult {
  std::string model;
  std::uint64_t states = 0;
  double timer_ns = 0;  // central, of the empty region
  std::vector<Row> rows;
};

struct Comparison {
  int core = 0;
  std::string processor;
  std::uint64_t clock_step_ns = 0;
  std::vector<ModelResult> models;
  std::vector<Skipped> skipped;
};

// Adds rows that were timed in another process (torchscript-python) to the models that are there. `path` is a JSON list
// of objects with the fields of `peers`. Throws Failure (exit 4).
void add_elsewhere(const std::string& path, Comparison* comparison);

std::string comparison_json(const Comparison& comparison);
std::string comparison_text(const Comparison& comparison);

}  // namespace tickmlp::bench
#endif
