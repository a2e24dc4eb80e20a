// SPDX-License-Identifier: Apache-2.0
// Flush mode: NaN becomes +0, an infinity the largest float of its sign. Cold: only where a non-finite value was met.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tickmlp {

// Copies `count` floats, in place too; returns how many were changed.
inline uint64_t copy_flushed(const float* from, size_t count, float* to) {
  uint64_t changed = 0;
  for (size_t i = 0; i < count; ++i) {
    const float x = from[i];
    const bool finite = std::isfinite(x);
    to[i] = finite ? x : std::isnan(x) ? 0.0f : std::copysign(FLT_MAX, x);
    changed += !finite;
  }
  return changed;
}

}  // namespace tickmlp
