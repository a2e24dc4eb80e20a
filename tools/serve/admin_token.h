// SPDX-License-Identifier: Apache-2.0
// Who may load and unload models: whoever sends the server's token as `Authorization: Bearer TOKEN`, on any transport.
#ifndef TICKMLP_SERVE_ADMIN_TOKEN_H_
#define TICKMLP_SERVE_ADMIN_TOKEN_H_
#include <string_view>

#include "serve/letter_case.h"
#include "serve/refusal.h"

namespace tickmlp::serve {

// The scheme in any case (RFC 9110 11.1). Compares without telling by its time how much of the token was right.
inline bool is_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (!same_name(authorization.substr(0, kScheme.size()), kScheme)) return false;
  authorization.remove_prefix(kScheme.size());
  unsigned char difference = authorization.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < authorization.size(); ++i)
    difference |= static_cast<unsigned char>(authorization[i] ^ token[i % token.size()]);
  return difference == 0;
}

// An empty token: switched off for everybody.
inline Refusal check_admin_token(std::string_view authorization, std::string_view token) {
  if (token.empty())
    return {Code::forbidden, "loading and unloading are switched off: --admin-token-file switches them on"};
  if (!is_token(authorization, token))
    return {Code::unauthorised, "expected the header Authorization: Bearer TOKEN with the server's token"};
  return {};
}

}  // namespace tickmlp::serve
#endif
