// SPDX-License-Identifier: Apache-2.0
// The names in a published folder, and what `current` says: the file of a published blob, and whether going back to it
// is meant. tools/publish reads them with this, tools/training_cycle/names.py is the mirror; all are held against
// tests/published_names.json.
#pragma once

#include "watch/tickmlp_watch.h"

namespace tickmlp::watch {

// FILE " rollback-from " GENERATION "\n": 98 + 15 + 20 + 1 bytes.
inline constexpr size_t kMaxCurrentBytes = 134;

struct Publication {
  char file[TICKMLP_WATCH_FILE_BYTES];  // NAME-GENERATION-SHA8.blob
  char name[64];                        // see is_published_name()
  uint64_t generation;
  char sha8[9];  // the first 8 hexadecimal digits of the file's SHA-256
  bool rollback;
  uint64_t rollback_from;  // the generation that is not to run any more, above `generation`
};

// [A-Za-z0-9][A-Za-z0-9._+-]{0,62}: what needs no quoting in a file name or in `current`, and fits a blob's header.
bool is_published_name(const char* name, size_t bytes);

// NAME-GENERATION-SHA8.blob, one spelling each: no leading zeros, lower-case digits. False, and *out untouched, where
// it is none; no rollback otherwise.
bool read_published_file(const char* file, size_t bytes, Publication* out);

// `text` is all of `current`, [bytes]. Error: BAD_PUBLICATION; *out is untouched then.
tickmlp_status read_publication(const char* text, size_t bytes, Publication* out, tickmlp_error* error);

struct GenerationRule {
  uint64_t least;
  bool forbid_rollback;
};
// Error: OLD_GENERATION.
tickmlp_status check_least(const Publication& next, const GenerationRule& rule, tickmlp_error* error);
// The same, and whether `next` may take the place of generation `running` of the same name; *back: it goes back to an
// older one. A rollback from N also holds for a process that has not reached N yet, and not for one that is past it:
// then the line is an old one. Error: OLD_GENERATION.
tickmlp_status check_generation(const Publication& next, uint64_t running, const GenerationRule& rule, bool* back,
                                tickmlp_error* error);

}  // namespace tickmlp::watch
