// SPDX-License-Identifier: Apache-2.0
// What `current` says: the file of a published blob, and whether going back to it is meant.
#pragma once

#include "watch/tickmlp_watch.h"

namespace tickmlp::watch {

// FILE " rollback-from " GENERATION "\n": 98 + 15 + 20 + 1 bytes.
inline constexpr size_t kMaxCurrentBytes = 134;

struct Publication {
  char file[TICKMLP_WATCH_FILE_BYTES];  // NAME-GENERATION-SHA8.blob
  char name[64];                        // [A-Za-z0-9._+-]{1,63}, and the first neither '.' nor '-'
  uint64_t generation;
  char sha8[9];  // the first 8 hexadecimal digits of the file's SHA-256
  bool rollback;
  uint64_t rollback_from;  // the generation that is not to run any more, above `generation`
};

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
