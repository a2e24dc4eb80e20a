// SPDX-License-Identifier: Apache-2.0
// The figures of all serving threads, and what they come to.
#ifndef TICKMLP_SERVE_METRICS_METRICS_H_
#define TICKMLP_SERVE_METRICS_METRICS_H_
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "serve/metrics/figures.h"

namespace tickmlp::serve {

// Thread-safe: one lock, taken when a thread begins, when it meets a model for the first time, and by who asks.
// Outlives every thread that counts.
class Metrics {
 public:
  Metrics();  // calibrates the clock, 20 ms

  const tickmlp_clock& clock() const { return clock_; }
  // Seconds since 1970.
  std::uint64_t started_s() const { return started_s_; }

  // The names are labels: two threads must not share one.
  ThreadFigures& add_thread(std::string name, Protocol protocol = Protocol::http);
  // Of the calling thread. The same for the same name, for ever.
  ModelFigures& model(ThreadFigures& thread, std::string_view name);

  std::vector<const ThreadFigures*> threads() const;
  // Of one name, one of each thread that met it; each has its thread's protocol.
  std::vector<const ModelFigures*> models(std::string_view name) const;
  std::vector<std::string> model_names() const;

 private:
  struct Thread {
    Thread(std::string name, Protocol protocol) : figures(std::move(name), protocol) {}
    ThreadFigures figures;
    std::map<std::string, std::unique_ptr<ModelFigures>, std::less<>> models;
  };
  tickmlp_clock clock_{};
  std::uint64_t started_s_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace tickmlp::serve
#endif
