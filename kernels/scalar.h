// SPDX-License-Identifier: Apache-2.0
// The scalar oracle: the specification of every kernel (docs/ARITHMETIC.md). Built without vectorisation.
#pragma once

#include "contract.h"

namespace tickmlp::scalar {

Outcome infer_int8(const Network& network, const float* input, Workspace& workspace, float* output);
Outcome advance_int8(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept);
Outcome tick_int8(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                  float* output);
Outcome infer_float32(const Network& network, const float* input, Workspace& workspace, float* output);
Outcome advance_float32(const Network& network, const float* input, uint32_t end, Workspace& workspace, void* kept);
Outcome tick_float32(const Network& network, const float* row, uint32_t begin, Workspace& workspace, const void* kept,
                     float* output);

// Layer 2 and the heads, workspace.hidden to output; int8 on targets without FMA uses it too.
Outcome finish(const Network& network, Workspace& workspace, float* output);

// exp for x <= 0, exactly 0 below -87.
float exp32(float x);

}  // namespace tickmlp::scalar
