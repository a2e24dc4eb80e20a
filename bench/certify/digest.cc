// SPDX-License-Identifier: Apache-2.0
#include <openssl/sha.h>

#include "certify/document.h"

namespace tickmlp::bench {

// nlohmann::json keeps keys sorted by their bytes, which for ASCII keys is RFC 8785's order, and decimal() leaves only
// numbers whose shortest text is the same everywhere.
std::string digest_of(const nlohmann::json& document) {
  nlohmann::json rest = document;
  rest.erase("digest");
  const std::string text = rest.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return sha256_of(text);
}

std::string sha256_of(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return hexadecimal(digest);
}

}  // namespace tickmlp::bench
