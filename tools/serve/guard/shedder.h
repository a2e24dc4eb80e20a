// SPDX-License-Identifier: Apache-2.0
// Refuses inferences while requests wait for too long before they are read. One worker's.
#ifndef TICKMLP_SERVE_GUARD_SHEDDER_H_
#define TICKMLP_SERVE_GUARD_SHEDDER_H_
#include <algorithm>
#include <cstdint>
#include <optional>

namespace tickmlp::serve {

// A refusal takes nearly as long as an inference of the bundled models (the kernel's part of both is the same), so
// refusing whatever waited too long would leave no time for answers: the more come, the fewer are served. Hence two
// rules. Refusals are rationed: one for each 100 us of the thread's CPU time takes about 6 % of it. And a refused
// connection is not read for about the second that its Retry-After asks for (Connection does that): it costs nothing
// meanwhile, whether or not its client heeds it, and those that are left find a short queue.
class Shedder {
 public:
  static constexpr std::uint64_t kCpuNs = 100'000;  // for each refusal
  static constexpr unsigned kLeast = 10;            // of refusals between two ticks
  static constexpr unsigned kSample = 16;  // all connections of a worker wait in one queue: one in so many is asked

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

  // Every 100 ms, with the CPU time that the thread has taken in all. What nobody has measured any more is no reason to
  // refuse.
  void tick(std::uint64_t cpu_ns) {
    left_ = std::max(kLeast, static_cast<unsigned>((cpu_ns - cpu_ns_) / kCpuNs));
    cpu_ns_ = cpu_ns;
    if (!sampled_) last_ms_ = 0;
    sampled_ = false;
  }

 private:
  const unsigned limit_ms_;
  unsigned requests_ = 0, last_ms_ = 0, left_ = kLeast;
  std::uint64_t cpu_ns_ = 0;
  bool sampled_ = false;
};

}  // namespace tickmlp::serve
#endif
