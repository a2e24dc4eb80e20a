// SPDX-License-Identifier: Apache-2.0
// Detached Ed25519 signatures (RFC 8032), as `openssl pkeyutl` makes and checks them:
//   openssl genpkey -algorithm ed25519 -out key.pem
//   openssl pkey -in key.pem -pubout -out public.pem
//   openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in report.json -sigfile report.json.sig
#ifndef TICKMLP_BENCH_CERTIFY_SIGNATURE_H_
#define TICKMLP_BENCH_CERTIFY_SIGNATURE_H_
#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace tickmlp::bench {

struct KeyFree {
  void operator()(evp_pkey_st* key) const;
};
using Key = std::unique_ptr<evp_pkey_st, KeyFree>;

// From PEM files. Refuse (exit 4) what cannot be read, what is encrypted, and a key that is not Ed25519.
Key read_private_key(const std::string& path);
Key read_public_key(const std::string& path);

std::string sign(const Key& key, std::string_view bytes);  // 64 bytes
bool signature_fits(const Key& key, std::string_view bytes, std::string_view signature);

}  // namespace tickmlp::bench
#endif
