// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_SERVE_STEADY_CLOCK_H_
#define TICKMLP_SERVE_STEADY_CLOCK_H_
#include <chrono>
#include <cstdint>

namespace tickmlp::serve {

// Of the clock that all of the server's times of life, idleness and age are of; 25 ns.
inline std::uint64_t steady_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace tickmlp::serve
#endif
