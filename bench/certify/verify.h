// SPDX-License-Identifier: Apache-2.0
// `tickmlp verify`: whether a certificate says what its evidence says.
#ifndef TICKMLP_BENCH_CERTIFY_VERIFY_H_
#define TICKMLP_BENCH_CERTIFY_VERIFY_H_
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evidence/histogram.h"

namespace tickmlp::bench {

struct VerifyOptions {
  std::string certificate, public_key, blob;
  bool json = false;
};
// Exit 0 valid, 1 invalid, 4 when the certificate itself cannot be read.
int verify(const VerifyOptions& options);

struct Check {
  std::string name;
  bool good;
  std::string seen;
};

struct Certificate {
  nlohmann::json document;
  Evidence evidence;  // empty where the log cannot be read
  std::vector<Check> checks;
  std::vector<std::string> files;  // itself and those beside it that it names
  bool valid() const;
};

// Whether the facts fit the evidence and one another; anyone who edits one has to edit the others, and the log.
Check check_facts(const nlohmann::json& document, const Evidence& evidence);

// The JSON alone. Refuses (exit 4) by name what cannot be read, is no JSON, or has another schema.
nlohmann::json read_document(const std::string& path);

// Reads a certificate and what lies beside it, and checks it: digest, evidence's hashes, every derived figure computed
// again, every table written again. Refuses only what is no certificate of a version that is known.
Certificate open_certificate(const std::string& path);

}  // namespace tickmlp::bench
#endif
