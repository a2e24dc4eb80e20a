// SPDX-License-Identifier: Apache-2.0
// How the library says no: a named status, and a sentence with what was seen and what was expected.
#pragma once

#include "tickmlp.h"

namespace tickmlp {

// Fills *error (may be nullptr) and returns the status. The sentence is cut at the end of the message.
[[gnu::format(printf, 3, 4)]] tickmlp_status fail(tickmlp_error* error, tickmlp_status status, const char* format, ...);

}  // namespace tickmlp
