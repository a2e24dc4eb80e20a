// SPDX-License-Identifier: Apache-2.0
#include "certify/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cli.h"
#include "input_file.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kSignatureBytes = 64;
constexpr std::uint64_t kMostKeyBytes = 1 << 20;

// OpenSSL would ask for a passphrase at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

const auto* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Key read_key(const std::string& path, const char* kind, EVP_PKEY* (*read)(BIO*, EVP_PKEY**, pem_password_cb*, void*)) {
  const std::string text = read_file(path, kMostKeyBytes);  // a FIFO would be empty when it is read again to sign
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                                                   BIO_free);
  Key key(memory ? read(memory.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key)
    refuse(printable(path) + " holds no " + kind + " key that can be read: expected PEM, not encrypted " +
           "(openssl genpkey -algorithm ed25519)");
  if (EVP_PKEY_base_id(key.get()) != EVP_PKEY_ED25519)
    refuse(printable(path) + " holds a key of another kind: expected Ed25519");
  return key;
}

}  // namespace

void KeyFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Key read_private_key(const std::string& path) { return read_key(path, "private", PEM_read_bio_PrivateKey); }
Key read_public_key(const std::string& path) { return read_key(path, "public", PEM_read_bio_PUBKEY); }

std::string sign(const Key& key, std::string_view bytes) {
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t size = signature.size();
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), out, &size, bytes_of(bytes), bytes.size()) != 1 || size != kSignatureBytes)
    refuse("OpenSSL could not sign");
  return signature;
}

bool signature_fits(const Key& key, std::string_view bytes, std::string_view signature) {
  const Context context(EVP_MD_CTX_new());
  return context && signature.size() == kSignatureBytes &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) == 1;
}

}  // namespace tickmlp::bench
