// SPDX-License-Identifier: Apache-2.0
// Finds threads that do not come round any more.
#ifndef TICKMLP_SERVE_GUARD_WATCHDOG_H_
#define TICKMLP_SERVE_GUARD_WATCHDOG_H_
#include <cstdint>
#include <string>
#include <vector>

#include "serve/guard/health.h"
#include "serve/metrics/figures.h"

namespace tickmlp::serve {

// Thread-compatible: called by one thread, now and then.
class Watchdog {
 public:
  Watchdog(Health& health, std::uint64_t limit_ns) : health_(health), limit_ns_(limit_ns) {}

  // Outlives the watchdog.
  void watch(const ThreadFigures& thread) { watched_.push_back({&thread, false}); }

  // Returns a line for each thread that got stuck or came round again.
  std::vector<std::string> check(std::uint64_t now_ns) {
    std::vector<std::string> lines;
    unsigned stuck = 0;
    for (Watched& one : watched_) {
      const std::uint64_t at = one.thread->turned_ns.get();
      const bool late = at != 0 && now_ns > at && now_ns - at > limit_ns_;
      stuck += late;
      if (late == one.stuck) continue;
      one.stuck = late;
      if (late) health_.stuck_total.fetch_add(1, std::memory_order_relaxed);
      lines.push_back("thread " + one.thread->name +
                      (late ? " is stuck: no sign of life for " + std::to_string((now_ns - at) / 1'000'000) + " ms"
                            : " came round again"));
    }
    health_.stuck.store(stuck, std::memory_order_relaxed);
    return lines;
  }

 private:
  struct Watched {
    const ThreadFigures* thread;
    bool stuck;
  };
  Health& health_;
  const std::uint64_t limit_ns_;
  std::vector<Watched> watched_;
};

}  // namespace tickmlp::serve
#endif
