// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <cstdarg>
#include <cstdio>

namespace tickmlp {

tickmlp_status fail(tickmlp_error* error, tickmlp_status status, const char* format, ...) {
  if (error != nullptr) {
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
  }
  return status;
}

}  // namespace tickmlp

extern "C" {

const char* tickmlp_status_name(tickmlp_status status) {
  static const char* const kNames[] = {
      "ok",
      "bad-argument",
      "input-count",
      "output-count",
      "misaligned",
      "non-finite-input",
      "non-finite-output",
      "out-of-memory",
      "file-open",
      "file-kind",
      "file-size",
      "file-writable",
      "file-read",
      "blob-magic",
      "blob-version",
      "blob-truncated",
      "blob-trailing",
      "blob-digest",
      "blob-type",
      "blob-layout",
      "blob-dimension",
      "blob-reserved",
      "blob-text",
      "blob-structure",
      "blob-value",
      "blob-bound",
      "blob-golden",
      "kernel-unknown",
      "kernel-unavailable",
      "kernel-type",
      "not-locked",
      "no-window",
      "window-empty",
      "pin-failed",
      "input-index",
      "no-sparse",
      "sparse-empty",
      "team-core-twice",
      "team-too-large",
      "team-deadline",
      "team-thread",
      "recorder-order",
      "buffer-size",
      "file-create",
      "file-write",
      "file-rename",
      "old-generation",
      "other-model",
      "reader-stalled",
      "reader-limit",
  };
  static_assert(sizeof kNames / sizeof kNames[0] == TICKMLP_STATUS_COUNT);
  const auto index = static_cast<unsigned>(status);
  return index < TICKMLP_STATUS_COUNT ? kNames[index] : "unknown";
}

const char* tickmlp_version(void) { return TICKMLP_VERSION; }

}  // extern "C"
