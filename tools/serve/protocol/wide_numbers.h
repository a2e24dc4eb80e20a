// SPDX-License-Identifier: Apache-2.0
// JSON's numbers have no bounds, and simdjson refuses those beyond 64 bits.
#ifndef TICKMLP_SERVE_PROTOCOL_WIDE_NUMBERS_H_
#define TICKMLP_SERVE_PROTOCOL_WIDE_NUMBERS_H_
#include <string>
#include <string_view>

namespace tickmlp::serve {

// For a text in which simdjson found a number that it does not take. Puts `json` into *out with a ".0" behind each
// integer of 19 digits and more, which makes a double of it, and kBodyPadding bytes behind its end. Returns the first
// number that no double holds (1e400), a part of `json`; empty: there is none. Cost class: cold, one pass.
std::string_view widen_integers(std::string_view json, std::string* out);

}  // namespace tickmlp::serve
#endif
