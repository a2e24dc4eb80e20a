// SPDX-License-Identifier: Apache-2.0
// inference.GRPCInferenceService beside the HTTP server: the same repository, threads of its own. No header of gRPC is
// included here, so that a build without it differs in one file (grpc_absent.cc).
#ifndef TICKMLP_SERVE_GRPC_GRPC_SERVER_H_
#define TICKMLP_SERVE_GRPC_GRPC_SERVER_H_
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "serve/engine/shadows.h"
#include "serve/engine/split.h"
#include "serve/guard/breaker.h"
#include "serve/guard/health.h"
#include "serve/jobs.h"
#include "serve/log/log.h"
#include "serve/metrics/metrics.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

struct GrpcOptions {
  bool enabled = false;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;   // 0: any that is free
  std::size_t threads = 1;  // where no cores are named
  std::vector<int> cores;   // one thread pinned to each
  Splits splits{};
  BreakerOptions breaker{};
  std::string admin_token;                      // of load and unload; empty: they are switched off
  std::size_t max_states = 1024;                // of one request
  std::size_t body_bytes = 8 << 20;             // of one message
  std::size_t header_bytes = 16384;             // of a call's metadata
  unsigned queue_ms = 50;                       // most that an inference may have waited; 0: however long
  std::uint64_t handshake_ns = 10'000'000'000;  // most between a connection and its HTTP/2 preface
  std::string tls_certificate, tls_key;         // PEM; both empty: no TLS
};

// What outlives the server, and it shares with the others.
struct GrpcHost {
  Repository& repository;
  Shadows& shadows;
  Jobs& jobs;
  Metrics& metrics;
  Health& health;
  Log& log;
};

class GrpcServer {
 public:
  virtual ~GrpcServer() = default;  // as drain(0) and join()
  virtual std::uint16_t port() const = 0;
  // From any thread: ServerReady says no from now on, and calls are still answered.
  virtual void not_ready() = 0;
  // From any thread, returns at once: as not_ready(), and new calls are refused with UNAVAILABLE, streams end, and
  // what is not answered after `limit_ns` is cancelled. Once.
  virtual void drain(std::uint64_t limit_ns) = 0;
  // Waits until the last thread has ended; after drain().
  virtual void join() = 0;
};

// Listens and serves. Refused: built without gRPC, a port or certificate that cannot be used, a core that is not
// allowed.
Refusal start_grpc(const GrpcOptions& options, const GrpcHost& host, std::unique_ptr<GrpcServer>* out);

// False in a build without gRPC.
bool has_grpc();

}  // namespace tickmlp::serve
#endif
