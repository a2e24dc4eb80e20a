// SPDX-License-Identifier: Apache-2.0
// The second model of `tickmlp monitor --shadow`, on a thread of its own.
#ifndef TICKMLP_BENCH_MONITOR_SHADOW_THREAD_H_
#define TICKMLP_BENCH_MONITOR_SHADOW_THREAD_H_
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "model.h"
#include "monitor/monitor.h"

namespace tickmlp::bench {

class ShadowThread {
 public:
  // Loads the candidate. Throws a Failure: a blob that is refused, other-model.
  ShadowThread(const Model& primary, const MonitorOptions& options);
  ~ShadowThread();
  ShadowThread(const ShadowThread&) = delete;

  void start();  // its thread may run where the calling one may
  tickmlp_shadow* shadow() const { return shadow_.get(); }
  tickmlp_monitor_source source() const;  // the candidate's own calls, and its comparisons

 private:
  void run();

  struct Free {
    void operator()(tickmlp_shadow* shadow) const { tickmlp_shadow_free(shadow); }
  };
  const std::chrono::nanoseconds sleep_;
  const Model candidate_;
  std::unique_ptr<tickmlp_shadow, Free> shadow_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace tickmlp::bench
#endif
