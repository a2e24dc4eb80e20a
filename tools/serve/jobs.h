// SPDX-License-Identifier: Apache-2.0
// The thread for what takes long: loads, looks at published folders. Serving threads never wait for it.
#ifndef TICKMLP_SERVE_JOBS_H_
#define TICKMLP_SERVE_JOBS_H_
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <thread>

namespace tickmlp::serve {

class Jobs {
 public:
  Jobs() : thread_([this] { context_.run(); }) {}
  ~Jobs() { stop(); }
  // Waits for the job that it is at; what has not begun is dropped.
  void stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }
  // From any thread, in their order.
  void post(std::function<void()> job) { boost::asio::post(context_, std::move(job)); }
  // `job` now, and again `period` after each time it has ended. Before any other thread posts.
  void repeat(std::chrono::milliseconds period, std::function<void()> job) {
    post([this, period, job = std::move(job)] { run_again(period, job); });
  }

 private:
  void run_again(std::chrono::milliseconds period, const std::function<void()>& job) {
    job();
    timer_.expires_after(period);
    timer_.async_wait([this, period, job](boost::system::error_code error) {
      if (!error) run_again(period, job);
    });
  }

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  boost::asio::steady_timer timer_{context_};
  std::thread thread_;
};

}  // namespace tickmlp::serve
#endif
