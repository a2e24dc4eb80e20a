// SPDX-License-Identifier: Apache-2.0
// The main thread's part: it waits for signals, and watches the serving threads.
#ifndef TICKMLP_SERVE_SUPERVISOR_H_
#define TICKMLP_SERVE_SUPERVISOR_H_
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "serve/guard/watchdog.h"
#include "serve/log/log.h"
#include "serve/make_thread.h"
#include "serve/steady_clock.h"

namespace tickmlp::serve {

// Until somebody listens for it: a SIGHUP (logrotate's) waits, and does not end the process. Threads that begin
// meanwhile never see it.
class HangupLater {
 public:
  HangupLater() {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &hangup, &before_);
  }
  ~HangupLater() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HangupLater(const HangupLater&) = delete;

 private:
  sigset_t before_;
};

// How a server is brought down. All three are called in the main thread, in this order, the last one only where the
// drain took too long or a second signal came.
struct Shutdown {
  std::uint64_t delay_ns, drain_ns;  // between not_ready and drain; between drain and stop
  std::function<void()> not_ready, drain, stop;
};

// Signals are waited for in the thread that constructs it; threads that begin later are born with them blocked.
class Supervisor {
 public:
  Supervisor(const Shutdown& shutdown, Health& health, Log& log, std::uint64_t stuck_ns)
      : shutdown_(shutdown), health_(health), log_(log), watchdog_(health, stuck_ns) {
    wait_for_signal();
    wait_for_hangup();
  }

  void watch(const ThreadFigures& thread) { watchdog_.watch(thread); }

  // Until every thread has ended. Returns the exit code: 0, or 128 + signal where it had to stop them. Throws
  // StartError before it waits for any.
  int run(std::vector<std::thread>& threads) {
    std::thread joiner = make_thread("thread that waits for the others", [&] {
      for (std::thread& thread : threads) thread.join();
      context_.stop();
    });
    look();
    for (bool ended = false; !ended;) {
      try {
        context_.run();
        ended = true;
      } catch (const std::exception&) {  // out of memory: what is left to do may do better
      }
    }
    joiner.join();
    return code_;
  }

 private:
  static constexpr std::chrono::milliseconds kLook{250};  // the watchdog's
  using Error = boost::system::error_code;

  void wait_for_signal() {
    signals_.async_wait([this](const Error& error, int signal) {
      if (error) return;
      if (health_.shutting_down.exchange(true)) {  // asked twice: at once
        stop(signal);
        return wait_for_signal();
      }
      log_.event(LogLevel::info, "draining", "draining, for signal " + std::to_string(signal));
      shutdown_.not_ready();
      wait_for_signal();
      limit_.expires_after(std::chrono::nanoseconds(shutdown_.delay_ns));
      limit_.async_wait([this, signal](const Error& error) {
        if (!error) drain(signal);
      });
    });
  }

  // Who has renamed the log's file (logrotate) says so.
  void wait_for_hangup() {
    hangups_.async_wait([this](const Error& error, int) {
      if (error) return;
      log_.reopen();
      wait_for_hangup();
    });
  }

  void drain(int signal) {
    shutdown_.drain();
    limit_.expires_after(std::chrono::nanoseconds(shutdown_.drain_ns));
    limit_.async_wait([this, signal](const Error& error) {
      if (!error && code_ == 0) stop(signal);
    });
  }

  // A thread that is stuck for good would be waited for without end.
  void stop(int signal) {
    if (code_ != 0) std::_Exit(code_);
    code_ = 128 + signal;
    shutdown_.stop();
    timer_.cancel();
    limit_.expires_after(std::chrono::seconds(1));
    limit_.async_wait([this](const Error& error) {
      if (!error) std::_Exit(code_);
    });
  }

  void look() {
    try {
      for (const std::string& line : watchdog_.check(steady_ns())) log_.event(LogLevel::error, "thread_stuck", line);
    } catch (const std::exception&) {  // out of memory: the next look may do better
    }
    timer_.expires_after(kLook);
    timer_.async_wait([this](const Error& error) {
      if (!error) look();
    });
  }

  const Shutdown shutdown_;
  Health& health_;
  Log& log_;
  Watchdog watchdog_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_{context_, SIGINT, SIGTERM}, hangups_{context_, SIGHUP};
  boost::asio::steady_timer limit_{context_}, timer_{context_};
  int code_ = 0;
};

}  // namespace tickmlp::serve
#endif
