// SPDX-License-Identifier: Apache-2.0
// Why a request was not answered, in words that no transport owns: HTTP and gRPC each have their own numbers for it.
#ifndef TICKMLP_SERVE_REFUSAL_H_
#define TICKMLP_SERVE_REFUSAL_H_
#include <string>

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

}  // namespace tickmlp::serve
#endif
