// SPDX-License-Identifier: Apache-2.0
// The thread that infers: pinned, paced, and each of its calls timed into its own recorder.
#ifndef TICKMLP_BENCH_MONITOR_HOT_THREAD_H_
#define TICKMLP_BENCH_MONITOR_HOT_THREAD_H_
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "model.h"
#include "monitor/monitor.h"

namespace tickmlp::bench {

class HotThread {
 public:
  // Returns once the thread is pinned and at work, or throws a Failure.
  // `shadow` is handed each question of the full path with its answer; nullptr: none.
  HotThread(const Model& model, const MonitorOptions& options, int core, const tickmlp_clock& clock,
            tickmlp_shadow* shadow);
  ~HotThread();
  HotThread(const HotThread&) = delete;

  // What it records into: the full path, and the tick path where the model has a window. Read them from any thread.
  const std::vector<tickmlp_monitor_source>& sources() const { return sources_; }

 private:
  void run();
  void call(std::uint64_t number);

  const tickmlp_model_info& info_;
  const MonitorOptions& options_;
  const int core_;
  const tickmlp_clock clock_;
  tickmlp_shadow* const shadow_;
  std::vector<const float*> states_;  // in turns, [inputs] each
  std::vector<float> drilled_, output_;
  Session session_;
  Window window_;  // empty without a window in the model
  std::unique_ptr<tickmlp_recorder> full_, tick_;
  std::vector<tickmlp_monitor_source> sources_;
  tickmlp_status pinned_ = TICKMLP_OK;
  tickmlp_error error_{};
  std::atomic<int> state_{kStarting};
  enum { kStarting, kRunning, kStopping };
  std::thread thread_;
};

}  // namespace tickmlp::bench
#endif
