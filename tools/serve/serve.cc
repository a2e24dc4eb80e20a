// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kLook(250);  // the watchdog's

void say(const ServeOptions& options, const std::string& line) {
  if (!options.quiet) std::fprintf(stderr, "tickmlp serve: %s\n", line.c_str());
}

// The main thread's part: it waits for signals and watches the others.
class Supervisor {
 public:
  Supervisor(const ServeOptions& options, Health& health, std::vector<std::unique_ptr<Worker>>& workers)
      : options_(options), health_(health), workers_(workers), watchdog_(health, options.stuck_ns) {
    for (const auto& worker : workers) watchdog_.watch(worker->heartbeat());
    wait_for_signal();
    look();
  }

  // Until every serving thread has ended. Returns the exit code.
  int run(std::vector<std::thread>& threads) {
    std::thread joiner([&] {
      for (std::thread& thread : threads) thread.join();
      context_.stop();
    });
    context_.run();
    joiner.join();
    return code_;
  }

 private:
  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (health_.shutting_down.exchange(true)) return stop(signal);  // asked twice: at once
      say(options_, "draining");
      wait_for_signal();
      limit_.expires_after(std::chrono::nanoseconds(options_.drain_delay_ns));
      limit_.async_wait([this, signal](const boost::system::error_code&) { drain(signal); });
    });
  }

  void drain(int signal) {
    for (auto& worker : workers_) worker->drain();
    limit_.expires_after(std::chrono::nanoseconds(options_.drain_ns));
    limit_.async_wait([this, signal](const boost::system::error_code& error) {
      if (!error) stop(signal);
    });
  }

  void stop(int signal) {
    code_ = 128 + signal;
    for (auto& worker : workers_) worker->stop();
  }

  void look() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    for (const std::string& line : watchdog_.check(static_cast<std::uint64_t>(now))) say(options_, line);
    timer_.expires_after(kLook);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) look();
    });
  }

  const ServeOptions& options_;
  Health& health_;
  std::vector<std::unique_ptr<Worker>>& workers_;
  Watchdog watchdog_;
  asio::io_context context_{1};
  asio::signal_set signals_{context_, SIGINT, SIGTERM};
  asio::steady_timer limit_{context_}, timer_{context_};
  int code_ = 0;
};

}  // namespace

int serve(const ServeOptions& options) {
  check_cores(options.cores);
  raise_file_limit();
  Repository repository(options.repository);
  if (const Refusal refusal = repository.open()) throw StartError{refusal.message};
  for (const IndexRow& row : repository.index())
    say(options, row.name + (row.version.empty() ? "" : " generation " + row.version) + ": " + row.state +
                     (row.reason.empty() ? "" : ": " + row.reason));

  WorkerOptions http = options.http;
  http.port = check_port(http.host, http.port);
  Health health;
  Jobs jobs;
  std::vector<std::unique_ptr<Worker>> workers;
  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  try {
    for (std::size_t i = 0; i < count; ++i)
      workers.push_back(std::make_unique<Worker>(http, repository, jobs, health, static_cast<int>(i)));
  } catch (const std::exception& error) {
    throw StartError{error.what()};
  }

  Supervisor supervisor(options, health, workers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { workers[i]->run(options.cores.empty() ? -1 : options.cores[i]); });
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) say(options, line);
  });
  say(options, std::string("listening on ") + (http.tls.certificate.empty() ? "http" : "https") + "://" + http.host +
                   ":" + std::to_string(http.port));
  const int code = supervisor.run(threads);
  jobs.stop();
  return code;
}

}  // namespace tickmlp::serve
