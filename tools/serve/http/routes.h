// SPDX-License-Identifier: Apache-2.0
// The protocol's routes: a path and a method to what answers them.
#ifndef TICKMLP_SERVE_HTTP_ROUTES_H_
#define TICKMLP_SERVE_HTTP_ROUTES_H_
#include <functional>
#include <string>
#include <vector>

#include "serve/engine/models.h"
#include "serve/engine/split.h"
#include "serve/http/answer.h"
#include "serve/protocol/compression.h"
#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {

struct RouteOptions {
  Splits splits;
  std::string admin_token;               // of load and unload; empty: they are switched off
  std::size_t max_states = 1024;         // of one request
  std::size_t max_body_bytes = 8 << 20;  // of one that came compressed, inflated
};

// Thread-compatible: one for each worker. Keeps its memory between requests.
class Routes {
 public:
  Routes(const RouteOptions& options, Repository& repository, Shadows& shadows, std::string thread_name);

  // Fills *answer. What may take long (a load) is not done but put into *later, with false returned: it is to be run in
  // another thread and fills its answer there.
  using Later = std::function<void(Answer*)>;
  bool handle(const Incoming& incoming, std::string_view body, bool draining, Answer* answer, Later* later);

  // While there are no requests.
  void housekeeping() { models_.refresh(); }

 private:
  Refusal route(const Incoming& incoming, std::string_view body, bool draining, Answer* answer, Later* later);
  void server_metadata(Answer* answer) const;
  void model_metadata(const ThreadModel& model, Answer* answer) const;
  Refusal repository_index(std::string_view body, Answer* answer) const;
  Refusal choose(const Incoming& incoming, std::string_view name, ThreadModel** out);
  void shadow_figures(const ThreadModel& model, Answer* answer) const;
  Refusal infer(ThreadModel& model, std::optional<std::uint64_t> version, const Incoming& incoming,
                std::string_view body, Answer* answer);
  Refusal models(const Incoming& incoming, std::string_view rest, std::string_view body, Answer* answer);
  Refusal repository_change(const Incoming& incoming, std::string_view rest, std::string_view body, Later* later) const;

  const RouteOptions& options_;
  Repository& repository_;
  Models models_;
  Inflater inflater_;
  Deflater deflater_;
  std::string inflated_;
  InferRequestReader reader_;
  InferRequest request_;
  std::vector<float> outputs_;
};

}  // namespace tickmlp::serve
#endif
