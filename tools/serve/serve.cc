// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <thread>

#include "serve/log/journal.h"

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

// Splits and shadows are of models that are there, and of one kind.
void check_names(const ServeOptions& options, const Catalogue& catalogue) {
  const auto inputs = [&](const std::string& name) {
    const auto place = catalogue.find(name);
    if (place == catalogue.end()) throw StartError{"no model " + name + " is served: a split or a shadow names it"};
    return place->second->shape.inputs;
  };
  for (const auto& [name, split] : options.http.routes.splits) {
    if (catalogue.contains(name)) throw StartError{"split " + name + ": a model has that name"};
    for (const std::string& model : split.models)
      if (inputs(model) != inputs(split.models[0]))
        throw StartError{"split " + name + ": " + model + " has " + std::to_string(inputs(model)) + " inputs and " +
                         split.models[0] + " " + std::to_string(inputs(split.models[0])) +
                         ": expected models of one kind"};
  }
  for (const ShadowPair& pair : options.shadows)
    if (inputs(pair.primary) != inputs(pair.candidate))
      throw StartError{"shadow " + pair.candidate + " of " + pair.primary + ": expected models of one kind"};
}

// Tells who has renamed the file (logrotate) that it is opened anew.
void reopen_on_hangup(asio::signal_set& hangups, Log& log) {
  hangups.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    log.reopen();
    reopen_on_hangup(hangups, log);
  });
}

}  // namespace

int serve(const ServeOptions& options) {
  Log log(options.log);
  Metrics metrics;
  Repository repository(options.repository);
  if (const Refusal refusal = repository.open()) throw StartError{refusal.message};
  if (repository.catalogue()->empty())
    throw StartError{"no model of " + options.repository.folder + " can be served: " + repository.index()[0].name +
                     ": " + repository.index()[0].reason};
  log.event(LogLevel::info, "start", std::string("tickmlp ") + tickmlp_version(),
            {{"repository", options.repository.folder}});
  Journal journal(log);
  journal.look(repository.index());

  check_names(options, *repository.catalogue());
  Shadows shadows(options.shadows, repository);

  WorkerOptions http = options.http;
  http.port = free_port(http);
  Jobs jobs;
  std::vector<std::unique_ptr<Worker>> workers;
  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  http.routes.cache = {(options.cache.entries + count - 1) / count, options.cache.ttl_ns};
  for (std::size_t i = 0; i < count; ++i)
    workers.push_back(std::make_unique<Worker>(http, repository, shadows, jobs, metrics, log, static_cast<int>(i)));

  // Signals are waited for in this thread alone; the others are born with them blocked.
  asio::io_context main_context(1);
  asio::signal_set signals(main_context, SIGINT, SIGTERM), hangups(main_context, SIGHUP);
  reopen_on_hangup(hangups, log);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { workers[i]->run(options.cores.empty() ? -1 : options.cores[i]); });
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) log.event(LogLevel::debug, "repository", line);
    journal.look(repository.index());
    shadows.refresh();
  });
  log.event(LogLevel::info, "listening", "listening on http://" + http.host + ":" + std::to_string(http.port),
            {{"host", http.host}, {"port", http.port}, {"threads", count}});

  int code = 0;
  asio::steady_timer limit(main_context);
  signals.async_wait([&](const boost::system::error_code&, int signal) {
    log.event(LogLevel::info, "draining", "signal " + std::to_string(signal));
    for (auto& worker : workers) worker->drain();
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
