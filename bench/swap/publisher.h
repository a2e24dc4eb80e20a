// SPDX-License-Identifier: Apache-2.0
// The thread that publishes at a steady rate, while it is told to: one of 16 loaded models, or the file loaded anew.
#ifndef TICKMLP_BENCH_SWAP_PUBLISHER_H_
#define TICKMLP_BENCH_SWAP_PUBLISHER_H_
#include <atomic>
#include <string>
#include <thread>

#include "swap/swap.h"

namespace tickmlp::bench {

// From the file, with the library's own malloc: the program's allocator is for one thread.
tickmlp_model* load_for_slot(const SwapOptions& options);

class Publisher {
 public:
  // Returns once the thread is pinned, or throws a Failure.
  Publisher(tickmlp_swap* slot, const SwapOptions& options, const tickmlp_clock& clock);
  ~Publisher();
  Publisher(const Publisher&) = delete;

  void begin() { active_ = true; }
  void end();  // returns when nothing is being published any more
  // Adds what this thread has counted; after end().
  void add_to(SwapMeasurement* result) const;

 private:
  void run();
  void publish_one();
  void load_and_publish();

  tickmlp_swap* slot_;
  const SwapOptions& options_;
  const tickmlp_clock clock_;
  tickmlp_recorder load_, publish_, select_;
  std::vector<tickmlp_preloaded*> pool_;
  std::uint64_t publications_ = 0, refused_ = 0;
  std::string failure_;
  tickmlp_status pinned_ = TICKMLP_OK;
  tickmlp_error error_{};
  std::atomic<bool> active_{false}, busy_{false}, stop_{false};
  std::atomic<int> ready_{0};
  std::thread thread_;
};

}  // namespace tickmlp::bench
#endif
