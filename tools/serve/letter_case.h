// SPDX-License-Identifier: Apache-2.0
// Names of HTTP, and of gRPC's metadata: ASCII, in whichever case.
#ifndef TICKMLP_SERVE_LETTER_CASE_H_
#define TICKMLP_SERVE_LETTER_CASE_H_
#include <algorithm>
#include <string_view>

namespace tickmlp::serve {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Whether `name` is `lower`, which is in lower case, in whichever case.
constexpr bool same_name(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return lower_case(a) == b; });
}

}  // namespace tickmlp::serve
#endif
