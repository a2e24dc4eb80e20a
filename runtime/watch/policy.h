// SPDX-License-Identifier: Apache-2.0
// What the host asks of a new model, and the checks of one publication against it.
#pragma once

#include "watch/folder.h"
#include "watch/publication.h"
#include "watch/signature.h"

namespace tickmlp::watch {

struct Policy {
  tickmlp_load_options load;
  tickmlp_allocator allocator;  // the load options', or malloc and free; `load` points to the host's
  bool wants_signature;
  PublicKey key;
  tickmlp_drift_limits drift;
  GenerationRule generations;
};

// Errors: BAD_ARGUMENT.
tickmlp_status read_policy(const tickmlp_watch_options& options, Policy* out, tickmlp_error* error);

// Reads the blob once, and checks and loads what was read: digest, signature, every check of a load, name and
// generation. Errors: FILE_*, BLOB_*, SIGNATURE_*, BAD_PUBLICATION, OUT_OF_MEMORY and the rest of a load's.
tickmlp_status load_publication(const Folder& folder, const Publication& publication, const Policy& policy,
                                tickmlp_model** model, tickmlp_error* error);

// FILE.minisig.
struct SignatureName {
  char text[TICKMLP_WATCH_FILE_BYTES + 8];
  explicit SignatureName(const Publication& publication);
};

// Where a look's report begins and ends.
uint64_t unix_ns();
uint64_t monotonic_ns();
void describe(const Publication& publication, tickmlp_watch_report* report);

}  // namespace tickmlp::watch
