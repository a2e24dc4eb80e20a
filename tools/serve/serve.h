// SPDX-License-Identifier: Apache-2.0
// `tickmlp serve`: models of a folder, answered over the Open Inference Protocol.
#ifndef TICKMLP_SERVE_SERVE_H_
#define TICKMLP_SERVE_SERVE_H_
#include <vector>

#include "serve/http/worker.h"
#include "serve/repository/repository.h"
#include "serve/shared/shared_server.h"

namespace tickmlp::serve {

struct ServeOptions {
  RepositoryOptions repository;
  WorkerOptions http;
  shared::SharedOptions shared;
  std::vector<int> cores;                   // one thread pinned to each; empty: `threads` threads that are not pinned
  std::size_t threads = 1;                  //
  std::uint64_t poll_ns = 1'000'000'000;    // between two looks at published folders
  std::uint64_t drain_ns = 10'000'000'000;  // most that a shutdown waits for requests under way
  bool quiet = false;
};

struct StartError {  // thrown before anything serves; one line
  std::string message;
};

// Serves until SIGINT or SIGTERM, then drains. Returns 0, or 128 + signal where the drain took too long.
int serve(const ServeOptions& options);

}  // namespace tickmlp::serve
#endif
