// SPDX-License-Identifier: Apache-2.0
// How the library says no: a named status, and a sentence with what was seen and what was expected.
#pragma once

#include <cstring>

#include "tickmlp.h"

namespace tickmlp {

// Fills *error (may be nullptr) and returns the status. The sentence is cut at the end of the message.
[[gnu::format(printf, 3, 4)]] tickmlp_status fail(tickmlp_error* error, tickmlp_status status, const char* format, ...);

// The number in an enumeration that came over the C interface: it may be one that the type does not have, and reading
// such a value as the enumeration is undefined in C++.
template <typename Enumeration>
int raw_value(const Enumeration& value) {
  int raw;
  static_assert(sizeof raw == sizeof value);
  std::memcpy(&raw, &value, sizeof raw);
  return raw;
}

}  // namespace tickmlp
