// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <fstream>
#include <thread>

#include "serve/log/journal.h"
#include "serve/supervisor.h"

namespace tickmlp::serve {
namespace {

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

void open(const ServeOptions& options, Repository& repository) {
  if (const Refusal refusal = repository.open()) throw StartError{refusal.message};
  if (repository.catalogue()->empty())
    throw StartError{"no model of " + options.repository.folder + " can be served: " + repository.index()[0].name +
                     ": " + repository.index()[0].reason};
  check_names(options, *repository.catalogue());
}

using Workers = std::vector<std::unique_ptr<Worker>>;

Workers listen(const WorkerOptions& http, const Shared& shared, std::size_t count) {
  Workers workers;
  try {
    for (std::size_t i = 0; i < count; ++i)
      workers.push_back(std::make_unique<Worker>(http, shared, static_cast<int>(i)));
  } catch (const std::exception& error) {
    throw StartError{error.what()};
  }
  return workers;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Null where it is not asked for.
std::unique_ptr<GrpcServer> grpc_beside(const ServeOptions& options, const GrpcHost& host, Log& log) {
  if (!options.grpc.enabled) return nullptr;
  GrpcOptions grpc = options.grpc;
  grpc.host = options.http.host;
  if (has_grpc() && grpc.port != 0) check_port(grpc.host, grpc.port);  // gRPC does not say why it cannot listen
  if (!options.http.tls.certificate.empty()) {                         // which the HTTP listeners have checked
    grpc.tls_certificate = text_of(options.http.tls.certificate);
    grpc.tls_key = text_of(options.http.tls.key);
  }
  grpc.splits = options.http.routes.splits;
  grpc.admin_token = options.http.routes.admin_token;
  grpc.max_states = options.http.routes.max_states;
  grpc.body_bytes = options.http.limits.body_bytes;
  grpc.header_bytes = options.http.limits.header_bytes;
  grpc.handshake_ns = options.http.limits.request_ns;
  std::unique_ptr<GrpcServer> server;
  if (const Refusal refusal = start_grpc(grpc, host, &server)) throw StartError{refusal.message};
  log.event(LogLevel::info, "listening", "listening on grpc://" + grpc.host + ":" + std::to_string(server->port()),
            {{"host", grpc.host}, {"port", server->port()}});
  return server;
}

// Null where it is not asked for.
std::unique_ptr<shared::SharedServer> shared_beside(const ServeOptions& options, Repository& repository,
                                                    Metrics& metrics, Log& log) {
  if (options.shared.path.empty()) return nullptr;
  try {
    auto server = std::make_unique<shared::SharedServer>(options.shared, repository, metrics);
    log.event(LogLevel::info, "listening", "shared memory at " + options.shared.path);
    return server;
  } catch (const std::runtime_error& error) {
    throw StartError{error.what()};
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  check_cores(options.cores);
  raise_file_limit();
  Log log(options.log);
  Metrics metrics;
  Repository repository(options.repository);
  open(options, repository);
  log.event(LogLevel::info, "start", std::string("tickmlp ") + tickmlp_version(),
            {{"repository", options.repository.folder}});
  Journal journal(log);
  journal.look(repository.index());
  Shadows shadows(options.shadows, repository);
  Health health;
  Jobs jobs;

  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  WorkerOptions http = options.http;
  http.port = check_port(http.host, http.port);
  http.routes.cache = {(options.cache.entries + count - 1) / count, options.cache.ttl_ns};
  const Workers workers = listen(http, {repository, shadows, jobs, health, metrics, log}, count);

  const std::unique_ptr<GrpcServer> grpc = grpc_beside(options, {repository, shadows, jobs, metrics, health}, log);
  const std::unique_ptr<shared::SharedServer> shared = shared_beside(options, repository, metrics, log);

  Shutdown shutdown;
  shutdown.delay_ns = options.drain_delay_ns;
  shutdown.drain_ns = options.drain_ns;
  shutdown.not_ready = [&] {
    if (grpc != nullptr) grpc->not_ready();
  };
  shutdown.drain = [&] {
    for (auto& worker : workers) worker->drain();
    if (grpc != nullptr) grpc->drain(options.drain_ns);
    if (shared != nullptr) shared->stop();
  };
  shutdown.stop = [&] {
    for (auto& worker : workers) worker->stop();
  };
  Supervisor supervisor(shutdown, health, log, options.stuck_ns);
  for (const auto& worker : workers) supervisor.watch(worker->heartbeat());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i)
    threads.emplace_back([&, i] { workers[i]->run(options.cores.empty() ? -1 : options.cores[i]); });
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) log.event(LogLevel::debug, "repository", line);
    journal.look(repository.index());
    shadows.refresh();
  });
  log.event(LogLevel::info, "listening",
            std::string("listening on ") + (http.tls.certificate.empty() ? "http" : "https") + "://" + http.host + ":" +
                std::to_string(http.port),
            {{"host", http.host}, {"port", http.port}, {"threads", count}});
  if (grpc != nullptr) threads.emplace_back([&] { grpc->join(); });
  const int code = supervisor.run(threads);
  jobs.stop();
  return code;
}

}  // namespace tickmlp::serve
