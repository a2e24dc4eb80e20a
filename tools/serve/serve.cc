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
std::uint16_t free_port(const std::string& host, std::uint16_t port) {
  asio::io_context context;
  tcp::acceptor acceptor(context);
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(host), port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen(1);
    return acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw StartError{"cannot listen on " + host + ":" + std::to_string(port) + ": " + error.code().message()};
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

void say(const ServeOptions& options, const std::string& line) {
  if (!options.quiet) std::fprintf(stderr, "tickmlp serve: %s\n", line.c_str());
}

// Null where it is not asked for.
std::unique_ptr<GrpcServer> grpc_beside(const ServeOptions& options, const GrpcHost& host) {
  if (!options.grpc.enabled) return nullptr;
  GrpcOptions grpc = options.grpc;
  grpc.host = options.http.host;
  if (has_grpc() && grpc.port != 0) free_port(grpc.host, grpc.port);  // gRPC does not say why it cannot listen
  grpc.splits = options.http.routes.splits;
  grpc.admin_token = options.http.routes.admin_token;
  grpc.max_states = options.http.routes.max_states;
  grpc.body_bytes = options.http.limits.body_bytes;
  grpc.header_bytes = options.http.limits.header_bytes;
  grpc.handshake_ns = options.http.limits.request_ns;
  std::unique_ptr<GrpcServer> server;
  if (const Refusal refusal = start_grpc(grpc, host, &server)) throw StartError{refusal.message};
  say(options, "listening on grpc://" + grpc.host + ":" + std::to_string(server->port()));
  return server;
}

}  // namespace

int serve(const ServeOptions& options) {
  Repository repository(options.repository);
  if (const Refusal refusal = repository.open()) throw StartError{refusal.message};
  if (repository.catalogue()->empty())
    throw StartError{"no model of " + options.repository.folder + " can be served: " + repository.index()[0].name +
                     ": " + repository.index()[0].reason};
  for (const IndexRow& row : repository.index())
    say(options, row.name + (row.version.empty() ? "" : " generation " + row.version) + ": " + row.state +
                     (row.reason.empty() ? "" : ": " + row.reason));

  check_names(options, *repository.catalogue());
  Shadows shadows(options.shadows, repository);

  WorkerOptions http = options.http;
  http.port = free_port(http.host, http.port);
  Jobs jobs;
  std::vector<std::unique_ptr<Worker>> workers;
  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  for (std::size_t i = 0; i < count; ++i)
    workers.push_back(std::make_unique<Worker>(http, repository, shadows, jobs, static_cast<int>(i)));
  const std::unique_ptr<GrpcServer> grpc = grpc_beside(options, {repository, shadows, jobs});

  // Signals are waited for in this thread alone; the others are born with them blocked.
  asio::io_context main_context(1);
  asio::signal_set signals(main_context, SIGINT, SIGTERM);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { workers[i]->run(options.cores.empty() ? -1 : options.cores[i]); });
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) say(options, line);
    shadows.refresh();
  });
  say(options, "listening on http://" + http.host + ":" + std::to_string(http.port));

  int code = 0;
  asio::steady_timer limit(main_context);
  signals.async_wait([&](const boost::system::error_code&, int signal) {
    say(options, "draining");
    for (auto& worker : workers) worker->drain();
    if (grpc != nullptr) grpc->drain(options.drain_ns);
    limit.expires_after(std::chrono::nanoseconds(options.drain_ns));
    limit.async_wait([&, signal](const boost::system::error_code& error) {
      if (error) return;
      code = 128 + signal;
      for (auto& worker : workers) worker->stop();
    });
  });
  std::thread joiner([&] {
    for (std::thread& thread : threads) thread.join();
    if (grpc != nullptr) grpc->join();
    main_context.stop();
  });
  main_context.run();
  joiner.join();
  jobs.stop();
  return code;
}

}  // namespace tickmlp::serve
