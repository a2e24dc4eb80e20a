// SPDX-License-Identifier: Apache-2.0
// `tickmlp certify`: measure a model on one core, and say whether it meets its budget.
#ifndef TICKMLP_BENCH_CERTIFY_CERTIFY_H_
#define TICKMLP_BENCH_CERTIFY_CERTIFY_H_
#include <cstdint>
#include <string>
#include <vector>

#include "certify/budget.h"
#include "measure/scenario.h"

namespace tickmlp::bench {

struct CertifyOptions {
  std::string blob, input, kernel, json, command;
  std::string path = "full";  // which one the budgets are for; both are measured where the model has a window
  int core = -1;              // -1: the last allowed one
  std::uint64_t samples = 200'000, epochs = 20, warm_up = 0;
  bool warm_up_given = false;
  std::vector<Budget> budgets;
  std::vector<Scenario> scenarios;  // beside the hot one
};
int certify(const CertifyOptions& options);

}  // namespace tickmlp::bench
#endif
