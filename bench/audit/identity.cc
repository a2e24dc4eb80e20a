// SPDX-License-Identifier: Apache-2.0
#include "audit/identity.h"

#include <openssl/sha.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "audit/build_info.h"
#include "audit/commit.h"
#include "model.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kHostDigits = 16;

std::string sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return hexadecimal(digest);
}

std::string commit() {
  const std::string checkout = TICKMLP_CHECKOUT_COMMIT, archive = TICKMLP_ARCHIVE_COMMIT;
  if (checkout != "unknown") return checkout;
  return archive[0] == '$' ? "unknown" : archive;  // a dollar: never went through `git archive`
}

nlohmann::json binary_sha256() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return bytes.empty() ? nlohmann::json() : nlohmann::json(sha256(bytes));
}

}  // namespace

nlohmann::json tool_json() {
  return {{"version", tickmlp_version()},
          {"commit", commit()},
          {"compiler", TICKMLP_COMPILER},
          {"flags", TICKMLP_FLAGS},
          {"binary_sha256", binary_sha256()}};
}

std::string host_hash() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);  // the last byte stays zero
  return sha256(name).substr(0, kHostDigits);
}

}  // namespace tickmlp::bench
