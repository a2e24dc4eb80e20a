// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include "serve/authority.h"
#include "serve/log/journal.h"
#include "serve/make_thread.h"
#include "serve/supervisor.h"

namespace tickmlp::serve {
namespace {

bool same_kind(const Shape& a, const Shape& b) {
  const auto same_head = [](const HeadShape& x, const HeadShape& y) {
    return x.outputs == y.outputs && x.softmax == y.softmax;
  };
  return a.inputs == b.inputs && std::equal(a.heads.begin(), a.heads.end(), b.heads.begin(), b.heads.end(), same_head);
}

// Splits and shadows are of models that are there, and of one kind.
void check_names(const ServeOptions& options, const Catalogue& catalogue) {
  const auto shape = [&](const std::string& name) -> const Shape& {
    const auto place = catalogue.find(name);
    if (place == catalogue.end()) throw StartError{"no model " + name + " is served: a split or a shadow names it"};
    return place->second->shape;
  };
  for (const auto& [name, split] : options.http.routes.splits) {
    if (catalogue.contains(name)) throw StartError{"split " + name + ": a model has that name"};
    for (const std::string& model : split.models)
      if (!same_kind(shape(model), shape(split.models[0])))
        throw StartError{"split " + name + ": " + model + " and " + split.models[0] +
                         " differ in inputs or heads: expected models of one kind"};
  }
  std::set<std::string> primaries;
  for (const ShadowPair& pair : options.shadows) {
    if (!same_kind(shape(pair.primary), shape(pair.candidate)))
      throw StartError{"shadow " + pair.candidate + " of " + pair.primary +
                       " differs in inputs or heads: expected models of one kind"};
    if (!primaries.insert(pair.primary).second) throw StartError{"two shadows of " + pair.primary + ": expected one"};
  }
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

std::size_t grpc_threads(const ServeOptions& options) {
  if (!options.grpc.enabled) return 0;
  return options.grpc.cores.empty() ? options.grpc.threads : options.grpc.cores.size();
}

// Each has begun to serve when this returns; where one cannot, none does.
std::vector<std::thread> start(const Workers& workers, const std::vector<int>& cores) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    std::promise<std::string> started;
    std::future<std::string> told = started.get_future();
    const std::string name = "serving thread " + std::to_string(i);
    StartError reason;
    try {
      threads.push_back(make_thread(name, [&, i] { workers[i]->run(cores.empty() ? -1 : cores[i], &started); }));
      reason.message = told.get();
      if (reason.message.empty()) continue;
      reason.message = name + ": " + reason.message;
    } catch (const StartError& error) {
      reason = error;
    }
    for (const auto& worker : workers) worker->stop();
    for (std::thread& thread : threads) thread.join();
    throw reason;
  }
  return threads;
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Twice a body: while it comes, its buffer doubles.
std::size_t buffer_of_a_thread(const ServeOptions& options, std::size_t threads) {
  constexpr std::size_t kBodies = 32;
  const std::size_t least = 2 * options.http.limits.body_bytes;
  if (options.buffer_mib == 0) return least * std::min(kBodies, options.http.connections);
  const std::size_t most = (options.buffer_mib << 20) / threads;
  if (most < least)
    throw StartError{"buffer limit of " + std::to_string(options.buffer_mib) + " MiB for " + std::to_string(threads) +
                     " threads: expected twice the largest body for each, " +
                     std::to_string((threads * least + (1 << 20) - 1) >> 20) + " MiB"};
  return most;
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
  grpc.breaker = options.http.routes.breaker;
  grpc.splits = options.http.routes.splits;
  grpc.admin_token = options.http.routes.admin_token;
  grpc.max_states = options.http.routes.max_states;
  grpc.body_bytes = options.http.limits.body_bytes;
  grpc.header_bytes = options.http.limits.header_bytes;
  grpc.queue_ms = options.http.limits.queue_ms;
  grpc.handshake_ns = options.http.limits.request_ns;
  std::unique_ptr<GrpcServer> server;
  if (const Refusal refusal = start_grpc(grpc, host, &server)) throw StartError{refusal.message};
  log.event(LogLevel::info, "listening", "listening on grpc://" + authority(grpc.host, server->port()),
            {{"host", grpc.host}, {"port", server->port()}});
  return server;
}

// Null where it is not asked for.
std::unique_ptr<shared::SharedServer> shared_beside(const ServeOptions& options, Repository& repository,
                                                    Shadows& shadows, Metrics& metrics, Log& log) {
  if (options.shared.path.empty()) return nullptr;
  try {
    shared::SharedOptions shared = options.shared;
    shared.breaker = options.http.routes.breaker;
    shared.splits = options.http.routes.splits;
    auto server = std::make_unique<shared::SharedServer>(shared, repository, shadows, metrics, log);
    log.event(LogLevel::info, "listening", "shared memory at " + options.shared.path);
    return server;
  } catch (const std::runtime_error& error) {
    throw StartError{error.what()};
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  std::optional<HangupLater> starting(std::in_place);
  check_cores(options.cores);
  raise_file_limit();
  Metrics metrics;  // outlives the log, whose last lines name its models
  Log log(options.log);
  Repository repository(options.repository);
  open(options, repository);
  log.event(LogLevel::info, "start", std::string("tickmlp ") + tickmlp_version(),
            {{"repository", options.repository.folder}});
  Journal journal(log);
  journal.look(repository.index());
  Health health;
  Jobs jobs(log);

  const std::size_t count = options.cores.empty() ? options.threads : options.cores.size();
  const std::size_t all = count + grpc_threads(options) + (options.shared.path.empty() ? 0 : 1);
  if (all > TICKMLP_SWAP_READERS)
    throw StartError{std::to_string(all) + " serving threads: expected " + std::to_string(TICKMLP_SWAP_READERS) +
                     " at most"};
  Shadows shadows(options.shadows, repository, all);
  WorkerOptions http = options.http;
  http.port = check_port(http.host, http.port);
  http.routes.cache = {(options.cache.entries + count - 1) / count, options.cache.ttl_ns};
  http.limits.buffer_bytes = buffer_of_a_thread(options, count);
  const Workers workers = listen(http, {repository, shadows, jobs, health, metrics, log}, count);

  const std::unique_ptr<GrpcServer> grpc = grpc_beside(options, {repository, shadows, jobs, metrics, health, log}, log);
  const std::unique_ptr<shared::SharedServer> shared = shared_beside(options, repository, shadows, metrics, log);

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
    if (grpc != nullptr) grpc->drain(0);
  };
  Supervisor supervisor(shutdown, health, log, options.stuck_ns);
  starting.reset();
  for (const ThreadFigures* thread : metrics.threads()) supervisor.watch(*thread);
  std::vector<std::thread> threads = start(workers, options.cores);
  jobs.repeat(std::chrono::milliseconds(options.poll_ns / 1'000'000), [&] {
    for (const std::string& line : repository.poll()) log.event(LogLevel::debug, "repository", line);
    journal.look(repository.index());
    shadows.refresh();
  });
  log.event(LogLevel::info, "listening",
            std::string("listening on ") + (http.tls.certificate.empty() ? "http" : "https") + "://" +
                authority(http.host, http.port),
            {{"host", http.host}, {"port", http.port}, {"threads", count}});
  int code = 0;
  try {
    if (grpc != nullptr) threads.push_back(make_thread("thread that ends gRPC", [&] { grpc->join(); }));
    code = supervisor.run(threads);
  } catch (const StartError&) {
    shutdown.stop();
    for (std::thread& thread : threads) thread.join();
    jobs.stop();
    throw;
  }
  jobs.stop();
  return code;
}

}  // namespace tickmlp::serve
