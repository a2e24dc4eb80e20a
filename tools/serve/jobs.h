// SPDX-License-Identifier: Apache-2.0
// The thread for what takes long: loads, looks at published folders. Serving threads never wait for it.
#ifndef TICKMLP_SERVE_JOBS_H_
#define TICKMLP_SERVE_JOBS_H_
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <thread>

namespace tickmlp::serve {

class Jobs {
 public:
  Jobs() : thread_([this] { context_->run(); }) {}
  ~Jobs() { stop(); }
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // Waits for the job that it is at. What has not begun is dropped here and now, with all that it holds: connections,
  // which must not outlive their workers. Once nobody posts any more.
  void stop() {
    if (!context_) return;
    context_->stop();
    thread_.join();
    timer_.reset();
    work_.reset();
    context_.reset();
  }
  // From any thread, in their order. A job that throws is ended by that, and nothing else is.
  void post(std::function<void()> job) {
    boost::asio::post(*context_, [job = std::move(job)] { run(job); });
  }
  // `job` now, and again `period` after each time it has ended. Before any other thread posts.
  void repeat(std::chrono::milliseconds period, std::function<void()> job) {
    boost::asio::post(*context_, [this, period, job = std::move(job)] { run_again(period, job); });
  }

 private:
  static void run(const std::function<void()>& job) {
    try {
      job();
    } catch (const std::exception&) {  // out of memory, say: the next one may do better
    }
  }
  void run_again(std::chrono::milliseconds period, const std::function<void()>& job) {
    run(job);
    timer_->expires_after(period);
    timer_->async_wait([this, period, job](boost::system::error_code error) {
      if (!error) run_again(period, job);
    });
  }

  std::optional<boost::asio::io_context> context_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_{
      context_->get_executor()};
  std::optional<boost::asio::steady_timer> timer_{*context_};
  std::thread thread_;
};

}  // namespace tickmlp::serve
#endif
