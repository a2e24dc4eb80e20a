// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Listeners share their port with SO_REUSEPORT, so another server on it would go unnoticed: look first, without.
std::uint16_t free_port(const WorkerOptions& options) {
  asio::io_context context;
  tcp::acceptor acceptor(context);
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(options.host), options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(1);
    return acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw StartError{"cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                     error.code().message()};
  }
}

void say(const ServeOptions& options, const std::string& line) {
  if (!options.quiet) std::fprintf(stderr, "tickmlp serve: %s\n", line.c_str());
}

std::unique_ptr<shared::SharedServer> start_shared(const ServeOptions& options, Repository& repository) {
  if (options.shared.path.empty()) return nullptr;
  try {
    auto shared = std::make_unique<shared::SharedServer>(options.shared, repository);
    say(options, "shared memory at " + options.shared.path);
    return shared;
  } catch (const std::runtime_error& error) {
    throw StartError{error.what()};
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  Repository repository(options.repository);
  if (const Refusal refusal = repository.open()) throw StartError{refusal.message};
  for (const IndexRow& row : repository.index())
    say(options, row.name + (row.version.empty() ? "" : " generation " + row.version) + ": " + row.state +
                     (row.reason.empty() ? "" : ": " + row.reason));

  WorkerOptions http = options.http;
  http.port = free_port(http);
  Jobs jobs;
  std::vector<std::unique_ptr<Worker>> workers;
  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  for (std::size_t i = 0; i < count; ++i)
    workers.push_back(std::make_unique<Worker>(http, repository, jobs, static_cast<int>(i)));

  std::unique_ptr<shared::SharedServer> shared = start_shared(options, repository);  // throws: before any thread
  // Signals are waited for in this thread alone; the others are born with them blocked.
  asio::io_context main_context(1);
  asio::signal_set signals(main_context, SIGINT, SIGTERM);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { workers[i]->run(options.cores.empty() ? -1 : options.cores[i]); });
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) say(options, line);
  });
  say(options, "listening on http://" + http.host + ":" + std::to_string(http.port));

  int code = 0;
  asio::steady_timer limit(main_context);
  signals.async_wait([&](const boost::system::error_code&, int signal) {
    say(options, "draining");
    for (auto& worker : workers) worker->drain();
    if (shared != nullptr) shared->stop();
    limit.expires_after(std::chrono::nanoseconds(options.drain_ns));
    limit.async_wait([&, signal](const boost::system::error_code& error) {
      if (error) return;
      code = 128 + signal;
      for (auto& worker : workers) worker->stop();
    });
  });
  std::thread joiner([&] {
    for (std::thread& thread : threads) thread.join();
    main_context.stop();
  });
  main_context.run();
  joiner.join();
  jobs.stop();
  return code;
}

}  // namespace tickmlp::serve
