// SPDX-License-Identifier: Apache-2.0
// The letters that HTTP is made of (RFC 9110 5.6, RFC 9112 2.2).
#ifndef TICKMLP_SERVE_HTTP_FIELD_SYNTAX_H_
#define TICKMLP_SERVE_HTTP_FIELD_SYNTAX_H_
#include <optional>
#include <string_view>

#include "serve/letter_case.h"

namespace tickmlp::serve {

// What is wrong with these lines, or null: line ends that are not CR LF, control bytes, lines that continue the one
// before (obs-fold). A last line may have no end yet.
const char* fault_of_lines(std::string_view lines);

bool is_token(std::string_view text);
// host[:port] in the letters of RFC 3986: no user, no path, nothing empty.
bool is_host(std::string_view text);

// What the fields Accept-Encoding say of gzip (RFC 9110 12.5.3): what they say by its name, or else by *.
class AcceptedCodings {
 public:
  void add(std::string_view list);  // "gzip, deflate;q=0.5"
  bool gzip() const { return gzip_.value_or(any_.value_or(false)); }

 private:
  std::optional<bool> gzip_, any_;  // whether its weight is not 0
};

}  // namespace tickmlp::serve
#endif
