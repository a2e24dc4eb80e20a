// SPDX-License-Identifier: Apache-2.0
// Non-finite values: whether there are any, and flush mode, where NaN becomes +0 and an infinity the largest float of
// its sign.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tickmlp {

inline bool is_finite(const float* values, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; ++i) finite &= std::isfinite(values[i]);
  return finite;
}

// Cold. Copies `count` floats, in place too; returns how many were changed.
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
