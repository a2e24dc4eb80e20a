// SPDX-License-Identifier: Apache-2.0
// Small things that the routes share.
#ifndef TICKMLP_SERVE_HTTP_PATHS_H_
#define TICKMLP_SERVE_HTTP_PATHS_H_
#include <string>
#include <string_view>

#include "serve/http/incoming.h"
#include "serve/refusal.h"

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
