// SPDX-License-Identifier: Apache-2.0
// `tickmlp serve`: models of a folder, answered over the Open Inference Protocol.
#ifndef TICKMLP_SERVE_SERVE_H_
#define TICKMLP_SERVE_SERVE_H_
#include <vector>

#include "serve/grpc/grpc_server.h"
#include "serve/guard/start_checks.h"
#include "serve/http/worker.h"
#include "serve/repository/repository.h"
#include "serve/start_error.h"
#include "serve/shared/shared_server.h"

namespace tickmlp::serve {

struct ServeOptions {
  RepositoryOptions repository;
  WorkerOptions http;
  GrpcOptions grpc;  // its host, splits, token and limits are those of `http`
  std::vector<ShadowPair> shadows;
  std::size_t buffer_mib = 0;  // most of all HTTP buffers above 64 KiB together; 0: 32 of the largest bodies a thread
  shared::SharedOptions shared;
  std::vector<int> cores;                   // one thread pinned to each; empty: `threads` threads that are not pinned
  std::size_t threads = 1;                  //
  std::uint64_t poll_ns = 1'000'000'000;    // between two looks at published folders
  std::uint64_t drain_delay_ns = 0;         // not ready, but still serving, so that balancers look elsewhere first
  std::uint64_t stuck_ns = 2'000'000'000;   // a serving thread without a sign of life for so long is stuck
  std::uint64_t drain_ns = 10'000'000'000;  // most that a shutdown waits for requests under way
  LogOptions log;
  CacheOptions cache;
};

// Serves until SIGINT or SIGTERM, then drains. Returns 0, or 128 + signal where the drain took too long, or a second
// signal came. Throws StartError before anything serves.
int serve(const ServeOptions& options);

}  // namespace tickmlp::serve
#endif
