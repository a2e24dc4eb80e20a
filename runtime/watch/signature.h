// SPDX-License-Identifier: Apache-2.0
// Signatures as minisign writes them: Ed25519 over the BLAKE2b-512 of the file, and a second one over that signature
// and the trusted comment. libsodium does the arithmetic; this is the file's format.
#pragma once

#include "watch/publication.h"

namespace tickmlp::watch {

// Two comments of minisign's largest sizes, 1,024 and 8,192 bytes, and the rest of the four lines.
inline constexpr size_t kMaxSignatureBytes = 10240;

struct PublicKey {
  uint8_t id[8];
  uint8_t key[32];
};
// minisign's base64 line. Error: BAD_ARGUMENT.
tickmlp_status read_public_key(const char* text, PublicKey* out, tickmlp_error* error);

// Whether `text`, a .minisig file of at most kMaxSignatureBytes, is a signature with this key over the blob's bytes,
// and its trusted comment begins with the publication's name and generation. Error: SIGNATURE_WRONG.
tickmlp_status check_signature(const PublicKey& key, const Publication& publication, const uint8_t* blob,
                               size_t blob_bytes, const char* text, size_t bytes, tickmlp_error* error);

}  // namespace tickmlp::watch
