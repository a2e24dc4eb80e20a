// SPDX-License-Identifier: Apache-2.0
// Why a request was not answered, in words that no transport owns: HTTP and gRPC each have their own numbers for it.
// HTTP's are those of the figures and of the log too, whichever way the request came.
#ifndef TICKMLP_SERVE_REFUSAL_H_
#define TICKMLP_SERVE_REFUSAL_H_
#include <algorithm>
#include <string>
#include <string_view>

namespace tickmlp::serve {

enum class Code {
  ok,
  bad_request,         // the client's fault: what it sent cannot be meant
  unauthorised,        // a token is wanted
  forbidden,           // switched off here
  not_found,           // no such route, model or version
  method_not_allowed,  //
  timeout,             // the request did not arrive in time
  length_required,     //
  conflict,            // the model's own checks refused: the old one stays
  too_large,           // of the body
  unsupported_type,    // of content or its encoding
  header_too_large,    //
  internal,            // ours
  unavailable,         // later, perhaps: overload, an open breaker, draining
};

// The default is success. One line that says what was seen and what was expected.
struct Refusal {
  Code code = Code::ok;
  std::string message;
  int retry_after_s = 1;  // for `unavailable`
  std::string allow{};    // for `method_not_allowed`: the methods that are

  explicit operator bool() const { return code != Code::ok; }
};

// Its first `most` bytes and fewer: not cut inside a character of UTF-8, which gRPC's texts must be.
inline std::string_view first_bytes(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most != 0 && (text[most] & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

// What a client sent, as a message may repeat it: its first 40 bytes, control characters replaced.
inline std::string cut_text(std::string_view text) {
  const std::string_view first = first_bytes(text, 40);
  std::string out(first);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return first.size() < text.size() ? out + "..." : out;
}
inline std::string quote(std::string_view text) { return '"' + cut_text(text) + '"'; }

inline int http_status(Code code) {
  switch (code) {
    case Code::ok: return 200;
    case Code::bad_request: return 400;
    case Code::unauthorised: return 401;
    case Code::forbidden: return 403;
    case Code::not_found: return 404;
    case Code::method_not_allowed: return 405;
    case Code::timeout: return 408;
    case Code::conflict: return 409;
    case Code::length_required: return 411;
    case Code::too_large: return 413;
    case Code::unsupported_type: return 415;
    case Code::header_too_large: return 431;
    case Code::internal: return 500;
    case Code::unavailable: return 503;
  }
  return 500;
}

}  // namespace tickmlp::serve
#endif
