// SPDX-License-Identifier: Apache-2.0
// `tickmlp certify`: measure a model on one core, and say whether it meets its budget.
#ifndef TICKMLP_BENCH_CERTIFY_CERTIFY_H_
#define TICKMLP_BENCH_CERTIFY_CERTIFY_H_
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "certify/budget.h"
#include "certify/comparators.h"
#include "measure/plan.h"
#include "soak/soak.h"

namespace tickmlp::bench {

struct CertifyOptions {
  std::string blob, input, kernel, reference, command;
  std::string json, html, sign_key;  // files to write; the key to sign the JSON with
  int core = -1;                     // -1: the last allowed one
  Plan plan;
  std::shared_ptr<ComparatorSource> others;  // nullptr: none
  std::optional<SoakPlan> soak;              // after the scenarios
  std::vector<Budget> budgets;
};
int certify(const CertifyOptions& options);

// The certificate for people at a terminal, 120 columns wide.
std::string certificate_table(const nlohmann::json& document);

}  // namespace tickmlp::bench
#endif
