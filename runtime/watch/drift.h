// SPDX-License-Identifier: Apache-2.0
// How far a new model's answers lie from the running one's, on the golden inputs of both.
#pragma once

#include "watch/tickmlp_watch.h"

namespace tickmlp::watch {

// Errors: BAD_ARGUMENT.
tickmlp_status check_limits(const tickmlp_drift_limits& limits, tickmlp_error* error);

// The models are of one kind: the same inputs and heads. Fills *drift also where a limit is exceeded. Errors: DRIFT
// (also where there is a limit and one of them has no finite answer); OUT_OF_MEMORY.
tickmlp_status check_drift(const tickmlp_model& running, const tickmlp_model& next, const tickmlp_drift_limits& limits,
                           tickmlp_drift* drift, tickmlp_error* error);

}  // namespace tickmlp::watch
