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
#include "serve/metrics/meter.h"
#include "serve/protocol/compression.h"
#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {

struct RouteOptions {
  Splits splits;
  std::string admin_token;               // of load and unload; empty: they are switched off
  std::size_t max_states = 1024;         // of one request
  std::size_t max_body_bytes = 8 << 20;  // of one that came compressed, inflated
  BreakerOptions breaker;
  bool triton_metrics = false;  // /metrics has Triton's names too
  CacheOptions cache;           // of one thread
};

// What /metrics says that neither threads nor models know. Called in the thread for what takes long.
struct ServerFacts {
  std::function<std::uint64_t()> shed, stuck_threads, log_lost;  // empty: 0
};

// Its body as gzip, where that pays.
void compress(Deflater* deflater, Answer* answer);

// Thread-compatible: one for each worker. Keeps its memory between requests.
class Routes {
 public:
  Routes(const RouteOptions& options, Repository& repository, Shadows& shadows, std::string thread_name,
         Metrics& metrics, Meter& meter, const ServerFacts& facts);

  // Fills *answer. What may take long (a load) is not done but put into *later, with false returned: it is to be run in
  // another thread and fills its answer there.
  using Later = std::function<void(Answer*)>;
  // `not_ready`: why the server is not, whatever its models are; empty: it is.
  bool handle(const Incoming& incoming, std::string_view body, std::string_view not_ready, Answer* answer,
              Later* later);

  // While there are no requests.
  void housekeeping(std::uint64_t now_ns) {
    models_.refresh();
    models_.tick(now_ns);
  }

 private:
  Refusal route(const Incoming& incoming, std::string_view body, std::string_view not_ready, Answer* answer,
                Later* later);
  void server_metadata(Answer* answer) const;
  void model_metadata(const ThreadModel& model, Answer* answer) const;
  Refusal repository_index(std::string_view body, Answer* answer) const;
  Refusal choose(const Incoming& incoming, std::string_view name, ThreadModel** out);
  void shadow_figures(const ThreadModel& model, Answer* answer) const;
  Refusal infer(ThreadModel& model, std::optional<std::uint64_t> version, const Incoming& incoming,
                std::string_view body, Answer* answer);
  Refusal models(const Incoming& incoming, std::string_view rest, std::string_view body, Answer* answer, Later* later);
  Refusal repository_change(const Incoming& incoming, std::string_view rest, std::string_view body, Later* later) const;

  Later metrics(bool draining) const;
  Later statistics(std::string name, std::optional<std::uint64_t> version) const;

  const RouteOptions& options_;
  Repository& repository_;
  Metrics& metrics_;
  Meter& meter_;
  const ServerFacts& facts_;
  Models models_;
  Inflater inflater_;
  Deflater deflater_;
  std::string inflated_;
  InferRequestReader reader_;
  InferRequest request_;
  std::vector<float> outputs_;
  std::string name_;  // of the model, where it came encoded
};

}  // namespace tickmlp::serve
#endif
