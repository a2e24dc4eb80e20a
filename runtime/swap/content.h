// SPDX-License-Identifier: Apache-2.0
// The publisher's side of what stands in a slot. Everything here is called under the slot's lock.
#pragma once

#include "swap/swap.h"

namespace tickmlp::swap {

// A model with its parts for every reader, neither published nor kept. Errors: OUT_OF_MEMORY; then the model is still
// the caller's.
tickmlp_status make_content(tickmlp_swap& swap, tickmlp_model* model, Content** out, tickmlp_error* error);
// Its parts, its model and itself. Nobody may hold it.
void free_content(Content& content);

// Whether readers of the one can go on with the other. Errors: OTHER_MODEL.
tickmlp_status check_same_kind(const tickmlp_model& current, const tickmlp_model& next, tickmlp_error* error);

}  // namespace tickmlp::swap
