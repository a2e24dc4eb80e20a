// SPDX-License-Identifier: Apache-2.0
// The scalar oracle: the specification of every kernel (docs/ARITHMETIC.md). Built without vectorisation.
#pragma once

#include "contract.h"

namespace tickmlp::scalar {

extern const Functions int8;
extern const Functions float32;

// Layer 2 and the heads, workspace.hidden to output; int8 on targets without FMA uses it too.
Outcome finish(const Network& network, const Workspace& workspace, float* output);

// In one pass and without a branch; what has no vectors that move their lanes uses it too.
bool gather(const float* input, uint32_t count, const uint8_t* kept, float* to);

// exp for x <= 0, exactly 0 below -87.
float exp32(float x);

}  // namespace tickmlp::scalar
