// SPDX-License-Identifier: Apache-2.0
// What is wrong with a command is said before minutes are spent on measuring.
#ifndef TICKMLP_BENCH_CERTIFY_PRECONDITIONS_H_
#define TICKMLP_BENCH_CERTIFY_PRECONDITIONS_H_
#include <vector>

#include "certify/certify.h"

namespace tickmlp::bench {

// Every file that `certify` will write: that it can be written, that no two have one name (exit 2), and that none is a
// file which it reads (exit 2). The signing key is read once (exit 4).
void check_files(const CertifyOptions& options);

// More sessions than `cores`, on which this process may run: exit 2.
void check_sessions(const Plan& plan, const std::vector<int>& cores);

// Those of `cores` that the scenario with most sessions runs on: the last ones. Empty without several sessions.
std::vector<int> session_cores(const Plan& plan, const std::vector<int>& cores);

// A budget for what will not be measured: exit 2, with all that will be. `ticks`: the model has a window.
void check_budgets(const CertifyOptions& options, bool ticks);

}  // namespace tickmlp::bench
#endif
