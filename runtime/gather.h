// SPDX-License-Identifier: Apache-2.0
// A pruned model's inputs: those that layer 1 reads, copied together before a kernel sees them. Of other models nothing
// is copied.
#pragma once

#include "model.h"

namespace tickmlp {

// Scratch for `states` gathered inputs [states][network.inputs], with the room that GatherFunction asks for.
inline size_t gathered_bytes(const Network& network, size_t states) {
  return network.input_mask != nullptr ? whole_lines((states * network.inputs + kGroup) * sizeof(float)) : 0;
}

}  // namespace tickmlp
