// SPDX-License-Identifier: Apache-2.0
// Objects of a request, read strictly: each name once, each value of the kind that it must have.
#ifndef TICKMLP_SERVE_PROTOCOL_FIELDS_H_
#define TICKMLP_SERVE_PROTOCOL_FIELDS_H_
#include <simdjson.h>

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "serve/read_number.h"
#include "serve/refusal.h"

namespace tickmlp::serve {

inline Refusal bad_request(std::string message) { return {Code::bad_request, std::move(message)}; }

// What stands there, as a refusal repeats it: JSON's text of it, 40 bytes at most; "nothing" where nothing does.
std::string seen(const std::optional<simdjson::dom::element>& element);

// The members of `object` with these names, in their order; others are passed over, as the protocol asks. A name that
// stands twice is refused: two readers of one request could take different ones.
template <std::size_t N>
Refusal take_fields(simdjson::dom::object object, std::string_view what, const std::string_view (&names)[N],
                    std::array<std::optional<simdjson::dom::element>, N>* out) {
  for (const auto [key, value] : object)
    for (std::size_t i = 0; i < N; ++i)
      if (key == names[i]) {
        if ((*out)[i]) return bad_request(std::string(what) + ": " + quote(key) + " stands twice: expected once");
        (*out)[i] = value;
      }
  return {};
}

// "[-1, 420]" and the like are read as whole numbers of 0 and more.
inline std::optional<std::uint64_t> whole_number(const std::optional<simdjson::dom::element>& element) {
  std::uint64_t number = 0;
  if (!element || element->get(number) != simdjson::SUCCESS) return {};
  return number;
}
inline std::optional<std::uint64_t> read_whole(std::string_view text) {
  std::uint64_t number = 0;
  if (!read_number(text, &number)) return {};
  return number;
}

}  // namespace tickmlp::serve
#endif
