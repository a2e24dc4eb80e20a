// SPDX-License-Identifier: Apache-2.0
// Small things that the routes share.
#ifndef TICKMLP_SERVE_HTTP_PATHS_H_
#define TICKMLP_SERVE_HTTP_PATHS_H_
#include <charconv>
#include <string>
#include <string_view>

#include "serve/http/incoming.h"
#include "serve/refusal.h"
#include "serve/repository/scan.h"

namespace tickmlp::serve {

inline Refusal no_route(const Incoming& incoming) {
  return {Code::not_found, "no route " + quote(incoming.path) + ": docs/SERVING.md has them all"};
}

// "a/b/c" -> "a", leaving "b/c".
inline std::string_view next_part(std::string_view* path) {
  const std::size_t slash = path->find('/');
  const std::string_view part = path->substr(0, slash);
  path->remove_prefix(slash == std::string_view::npos ? path->size() : slash + 1);
  return part;
}

// A model's name as clients write it: %XX of what a name may be made of is that character (RFC 3986 6.2.2.2; and %2B,
// since Python's and JavaScript's encoders write + so). What else is encoded stays, and names nothing.
inline std::string_view decoded_name(std::string_view part, std::string* room) {
  if (part.find('%') == std::string_view::npos) return part;
  room->clear();
  for (; !part.empty(); part.remove_prefix(1)) {
    unsigned code = 0;
    const char* const digits = part.data() + 1;
    const bool encoded =
        part.size() >= 3 && part[0] == '%' && std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2;
    const char c = static_cast<char>(code);
    if (!encoded || !is_name_letter(c)) {
      room->push_back(part[0]);
    } else {
      room->push_back(c);
      part.remove_prefix(2);
    }
  }
  return *room;
}

// HEAD goes where GET does.
inline Refusal expect(const Incoming& incoming, Incoming::Method method) {
  const bool fits =
      incoming.method == method || (method == Incoming::Method::get && incoming.method == Incoming::Method::head);
  if (fits) return {};
  const char* allowed = method == Incoming::Method::get ? "GET, HEAD" : "POST";
  return {Code::method_not_allowed, cut_text(incoming.method_text) + ": expected " + allowed, 0, allowed};
}

}  // namespace tickmlp::serve
#endif
