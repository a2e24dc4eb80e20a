// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_READ_NUMBER_H_
#define TICKMLP_SERVE_READ_NUMBER_H_
#include <charconv>
#include <string_view>

namespace tickmlp::serve {

// The whole text is one number that fits: for an unsigned one, digits and nothing else, no sign, space, list, 0x.
template <typename Number>
bool read_number(std::string_view text, Number* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace tickmlp::serve
#endif
