// SPDX-License-Identifier: Apache-2.0
#include "watch/signature.h"

#include <sodium.h>

#include <cstdio>
#include <cstring>

#include "error.h"

namespace tickmlp::watch {
namespace {

constexpr size_t kSignatureBytes = crypto_sign_ed25519_BYTES;
constexpr char kUntrusted[] = "untrusted comment: ", kTrusted[] = "trusted comment: ";

// "Ed" for keys and for signatures over the file itself, "ED" for signatures over its BLAKE2b-512.
struct RawKey {
  char algorithm[2];
  PublicKey key;
};
struct RawSignature {
  char algorithm[2];
  uint8_t key_id[8];
  uint8_t signature[kSignatureBytes];
};
static_assert(sizeof(RawKey) == 42 && sizeof(RawSignature) == 74 && sizeof(PublicKey) == 40);

// base64 of exactly these many bytes, in its one canonical form.
bool decode(const char* text, size_t length, void* out, size_t bytes) {
  size_t decoded = 0;
  return sodium_base642bin(static_cast<unsigned char*>(out), bytes, text, length, nullptr, &decoded, nullptr,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         decoded == bytes;
}

// As minisign prints a key's number.
unsigned long long key_number(const uint8_t id[8]) {
  unsigned long long number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | id[i];
  return number;
}

struct Line {
  const char* begin;
  size_t bytes;
  bool starts_with(const char* word) const {
    return bytes >= std::strlen(word) && std::memcmp(begin, word, std::strlen(word)) == 0;
  }
};

// Four lines, each with its newline, and nothing else.
bool split(const char* text, size_t bytes, Line (&lines)[4]) {
  for (Line& line : lines) {
    const auto* end = static_cast<const char*>(std::memchr(text, '\n', bytes));
    if (end == nullptr) return false;
    line = {text, static_cast<size_t>(end - text)};
    bytes -= line.bytes + 1;
    text = end + 1;
  }
  return bytes == 0;
}

tickmlp_status wrong(tickmlp_error* error, const char* sentence) {
  return fail(error, TICKMLP_SIGNATURE_WRONG, "%s", sentence);
}

// The second signature: over the first one, without algorithm and key id, and the comment.
bool comment_is_signed(const PublicKey& key, const RawSignature& raw, Line comment, const uint8_t* signature) {
  uint8_t message[kSignatureBytes + kMaxSignatureBytes];
  std::memcpy(message, raw.signature, kSignatureBytes);
  std::memcpy(message + kSignatureBytes, comment.begin, comment.bytes);
  return crypto_sign_ed25519_verify_detached(signature, message, kSignatureBytes + comment.bytes, key.key) == 0;
}

// "name=NAME generation=N", and no more or a space and more.
tickmlp_status check_comment(Line comment, const Publication& publication, tickmlp_error* error) {
  char expected[sizeof publication.name + 40];
  std::snprintf(expected, sizeof expected, "name=%s generation=%llu", publication.name,
                static_cast<unsigned long long>(publication.generation));
  const size_t length = std::strlen(expected);
  if (comment.starts_with(expected) && (comment.bytes == length || comment.begin[length] == ' ')) return TICKMLP_OK;
  return fail(error, TICKMLP_SIGNATURE_WRONG, "the signature is for \"%.*s\"; expected \"%s\"",
              static_cast<int>(comment.bytes < 100 ? comment.bytes : 100), comment.begin, expected);
}

}  // namespace

tickmlp_status read_public_key(const char* text, PublicKey* out, tickmlp_error* error) {
  RawKey raw;
  constexpr size_t kLength = 56;
  const size_t length = std::strlen(text);
  if (length != kLength || !decode(text, length, &raw, sizeof raw))
    return fail(error, TICKMLP_BAD_ARGUMENT,
                "the public key has %zu characters, or is not base64; expected minisign's line of %zu (RW...)", length,
                kLength);
  if (std::memcmp(raw.algorithm, "Ed", 2) != 0)
    return fail(error, TICKMLP_BAD_ARGUMENT, "the public key is not for Ed25519; expected a minisign key (RW...)");
  *out = raw.key;
  return TICKMLP_OK;
}

tickmlp_status check_signature(const PublicKey& key, const Publication& publication, const uint8_t* blob,
                               size_t blob_bytes, const char* text, size_t bytes, tickmlp_error* error) {
  Line lines[4];
  RawSignature raw;
  uint8_t comment_signature[kSignatureBytes];
  if (bytes > kMaxSignatureBytes || !split(text, bytes, lines) || !lines[0].starts_with(kUntrusted) ||
      !lines[2].starts_with(kTrusted) || !decode(lines[1].begin, lines[1].bytes, &raw, sizeof raw) ||
      !decode(lines[3].begin, lines[3].bytes, comment_signature, sizeof comment_signature))
    return wrong(error, "the signature is not of minisign's four lines: damaged, cut, or something else");
  if (std::memcmp(raw.algorithm, "Ed", 2) == 0)
    return wrong(error, "a legacy signature, over the file itself; expected a prehashed one (minisign -S -H)");
  if (std::memcmp(raw.algorithm, "ED", 2) != 0)
    return wrong(error, "the signature's algorithm is unknown; expected ED, Ed25519 over BLAKE2b-512");
  if (std::memcmp(raw.key_id, key.id, sizeof key.id) != 0)
    return fail(error, TICKMLP_SIGNATURE_WRONG, "signed with key %016llX; expected key %016llX", key_number(raw.key_id),
                key_number(key.id));
  uint8_t digest[crypto_generichash_BYTES_MAX];
  crypto_generichash(digest, sizeof digest, blob, blob_bytes, nullptr, 0);
  if (crypto_sign_ed25519_verify_detached(raw.signature, digest, sizeof digest, key.key) != 0)
    return wrong(error, "the signature is not one over these bytes: of another file, or damaged");
  const Line comment = {lines[2].begin + sizeof kTrusted - 1, lines[2].bytes - (sizeof kTrusted - 1)};
  if (!comment_is_signed(key, raw, comment, comment_signature))
    return wrong(error, "the trusted comment is not the one that was signed");
  return check_comment(comment, publication, error);
}

}  // namespace tickmlp::watch
