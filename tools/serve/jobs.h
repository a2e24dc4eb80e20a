// SPDX-License-Identifier: Apache-2.0
// The thread for what takes long: loads, looks at published folders. Serving threads never wait for it.
#ifndef TICKMLP_SERVE_JOBS_H_
#define TICKMLP_SERVE_JOBS_H_
#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <thread>

#include "serve/log/log.h"
#include "serve/make_thread.h"

namespace tickmlp::serve {

class Jobs {
 public:
  // The log is told of jobs that throw, and outlives this. Throws StartError.
  explicit Jobs(Log& log) : log_(log), thread_(make_thread("thread of the jobs", [this] { run(); })) {}
  ~Jobs() { stop(); }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // Waits for the job that it is at. What has not begun is dropped here and now, with all that it holds: connections,
  // which must not outlive their workers. Once nobody posts any more.
  void stop() {
    if (!context_) return;
    context_->stop();
    thread_.join();
    work_.reset();
    context_.reset();
  }
  // From any thread, in their order. A job that throws is ended by that, and nothing else is.
  void post(std::function<void()> job) { boost::asio::post(*context_, std::move(job)); }
  // `job` now, and again `period` after each time it has ended. Once.
  void repeat(std::chrono::milliseconds period, std::function<void()> job) {
    post([this, period, job = std::move(job)]() mutable {
      period_ = period;
      repeated_ = std::move(job);
      next_ = Clock::now();
    });
  }

 private:
  using Clock = std::chrono::steady_clock;

  // No timer of Asio's: a wait that cannot be allocated would be the last.
  void run() {
    pthread_setname_np(pthread_self(), "tickmlp-jobs");
    while (!context_->stopped()) {
      if (repeated_ && Clock::now() >= next_) {
        attempt(repeated_);
        next_ = Clock::now() + period_;
      }
      attempt([this] { repeated_ ? context_->run_one_until(next_) : context_->run_one(); });
    }
  }
  template <typename Job>
  void attempt(const Job& job) {
    try {
      job();
    } catch (const std::exception& error) {  // out of memory, say: the next one may do better
      log_.event(LogLevel::error, "job_failed", error.what());
    }
  }

  Log& log_;
  std::optional<boost::asio::io_context> context_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_{
      context_->get_executor()};
  std::chrono::milliseconds period_{};  // what follows is the thread's own
  std::function<void()> repeated_;
  Clock::time_point next_;
  std::thread thread_;
};

}  // namespace tickmlp::serve
#endif
