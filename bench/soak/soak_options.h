// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_SOAK_SOAK_OPTIONS_H_
#define TICKMLP_BENCH_SOAK_SOAK_OPTIONS_H_
#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "soak/soak.h"

namespace tickmlp::bench {

// What stood on the command line.
struct SoakOptions {
  SoakPlan plan;
  std::string arrivals = "poisson";
  CLI::Option* wanted = nullptr;  // --soak itself
};
void add_soak_options(CLI::App* command, SoakOptions* options);

// Nothing without --soak; wrong usage (exit 2) where a time is out of range. `tick`: of the tick path.
std::optional<SoakPlan> soak_plan(const SoakOptions& options, bool tick, const std::vector<Budget>& budgets);

}  // namespace tickmlp::bench
#endif
