// SPDX-License-Identifier: Apache-2.0
#include "serve/key.h"

#include <string.h>

#include "tickmlp_client.h"

extern "C" uint64_t tickmlp_client_key(const char* text) {
  return text == nullptr ? 0 : tickmlp::serve::key_of(text, strlen(text));
}
