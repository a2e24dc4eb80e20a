// SPDX-License-Identifier: Apache-2.0
// The protocol's routes: a path and a method to what answers them.
#ifndef TICKMLP_SERVE_HTTP_ROUTES_H_
#define TICKMLP_SERVE_HTTP_ROUTES_H_
#include <functional>
#include <string>
#include <vector>

#include "serve/engine/models.h"
#include "serve/http/answer.h"
#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {

struct RouteOptions {
  std::string admin_token;        // of load and unload; empty: they are switched off
  std::size_t max_states = 1024;  // of one request
  BreakerOptions breaker;
};

// Thread-compatible: one for each worker. Keeps its memory between requests.
class Routes {
 public:
  Routes(const RouteOptions& options, Repository& repository, std::string thread_name);

  // Fills *answer. What may take long (a load) is not done but handed to `later`, with false returned; it is to be run
  // in another thread and fills its answer there.
  using Later = std::function<void(Answer*)>;
  // `not_ready`: why the server is not, whatever its models are; empty: it is.
  bool handle(const Incoming& incoming, std::string_view body, std::string_view not_ready, Answer* answer,
              Later* later);

  // While there are no requests.
  void housekeeping() { models_.refresh(); }

 private:
  struct Target;  // what stands behind /v2/models/
  void server_metadata(Answer* answer) const;
  void model_metadata(const ThreadModel& model, Answer* answer) const;
  void repository_index(std::string_view body, Answer* answer) const;
  Refusal infer(ThreadModel& model, std::optional<std::uint64_t> version, const Incoming& incoming,
                std::string_view body, Answer* answer);
  Refusal models(const Incoming& incoming, std::string_view rest, std::string_view body, Answer* answer);
  Refusal repository_change(const Incoming& incoming, std::string_view rest, Later* later) const;

  const RouteOptions& options_;
  Repository& repository_;
  Models models_;
  InferRequestReader reader_;
  InferRequest request_;
  std::vector<float> outputs_;
};

}  // namespace tickmlp::serve
#endif
