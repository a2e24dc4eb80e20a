// SPDX-License-Identifier: Apache-2.0
// Refuses inferences while requests wait for too long before they are read. One worker's.
#ifndef TICKMLP_SERVE_GUARD_SHEDDER_H_
#define TICKMLP_SERVE_GUARD_SHEDDER_H_
#include <cstdint>
#include <optional>

namespace tickmlp::serve {

// A refusal takes nearly as long as an inference of the bundled models (the kernel's part of both is the same), so
// refusing whatever waited too long would leave no time for answers: the more come, the fewer are served. Hence two
// rules. Refusals are rationed: 10,000 a second take about 6 % of a core. And a refused connection is not read for the
// second that its Retry-After asks for (Connection does that): it costs nothing meanwhile, whether or not its client
// heeds it, and those that are left find a short queue.
class Shedder {
 public:
  static constexpr unsigned kPerTick = 1000;  // refusals; a tick is 100 ms
  static constexpr unsigned kSample = 16;     // all connections of a worker wait in one queue: one in so many is asked

  explicit Shedder(unsigned limit_ms) : limit_ms_(limit_ms) {}

  // `waited_ms()` gives how long this request waited; empty where that is not known. Not asked where `paused`: then the
  // pause was the reason.
  template <typename Waited>
  bool sheds(bool paused, const Waited& waited_ms) {
    if (limit_ms_ == 0) return false;
    if (!paused && (++requests_ % kSample == 0 || last_ms_ > limit_ms_ / 2)) {
      last_ms_ = std::optional<unsigned>(waited_ms()).value_or(0);
      sampled_ = true;
    }
    if (last_ms_ <= limit_ms_ || left_ == 0) return false;
    --left_;
    return true;
  }

  // Every 100 ms. What nobody has measured any more is no reason to refuse.
  void tick() {
    left_ = kPerTick;
    if (!sampled_) last_ms_ = 0;
    sampled_ = false;
  }

 private:
  const unsigned limit_ms_;
  unsigned requests_ = 0, last_ms_ = 0, left_ = kPerTick;
  bool sampled_ = false;
};

}  // namespace tickmlp::serve
#endif
