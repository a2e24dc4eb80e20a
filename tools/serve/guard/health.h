// SPDX-License-Identifier: Apache-2.0
// What readiness depends on beside the models: the same for every transport.
#ifndef TICKMLP_SERVE_GUARD_HEALTH_H_
#define TICKMLP_SERVE_GUARD_HEALTH_H_
#include <atomic>
#include <cstdint>

namespace tickmlp::serve {

// Thread-safe.
class Health {
 public:
  // Why the server is not ready; empty: it is. Static.
  const char* not_ready() const {
    if (shutting_down.load(std::memory_order_relaxed)) return "the server is shutting down";
    if (stuck.load(std::memory_order_relaxed) != 0) return "a serving thread is stuck";
    return "";
  }

  std::atomic<bool> shutting_down = false;
  std::atomic<unsigned> stuck = 0;             // threads, now
  std::atomic<std::uint64_t> stuck_total = 0;  // times that one was found stuck
  std::atomic<std::uint64_t> shed_total = 0;   // inferences refused for want of time
};

}  // namespace tickmlp::serve
#endif
