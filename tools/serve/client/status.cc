// SPDX-License-Identifier: Apache-2.0
#include "tickmlp_client.h"

extern "C" const char* tickmlp_client_status_name(tickmlp_client_status status) {
  static const char* const kNames[] = {
      "ok",           "bad-argument",  "out-of-memory",    "no-server",         "refused",
      "server-gone",  "deadline",      "slots-busy",       "too-large",         "no-model",
      "no-version",   "model-changed", "non-finite-input", "non-finite-output", "unavailable",
      "server-error", "key-expected",  "no-window",        "window-limit",      "window-empty",
  };
  static_assert(sizeof kNames / sizeof *kNames == TICKMLP_CLIENT_STATUS_COUNT);
  return static_cast<unsigned>(status) < TICKMLP_CLIENT_STATUS_COUNT ? kNames[status] : "unknown";
}
