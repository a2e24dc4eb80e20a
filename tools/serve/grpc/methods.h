// SPDX-License-Identifier: Apache-2.0
// What each call of the service answers, message to message.
#ifndef TICKMLP_SERVE_GRPC_METHODS_H_
#define TICKMLP_SERVE_GRPC_METHODS_H_
#include <google/protobuf/arena.h>

#include <string>
#include <string_view>
#include <vector>

#include "serve/engine/models.h"
#include "serve/grpc/grpc_server.h"
#include "serve/grpc/infer.h"
#include "serve/grpc/service.h"
#include "serve/metrics/meter.h"

namespace tickmlp::serve {

// Thread-compatible: one for each serving thread, created in it. Keeps its memory between calls.
class Methods {
 public:
  // What an inference asks and comes to is noted in the meter's current exchange.
  Methods(const GrpcOptions& options, const GrpcHost& host, std::string thread_name, Meter& meter);

  // While there are no calls.
  void housekeeping() { models_.refresh(); }

  // Every call but those that take long and the stream's. `ready` is false while the server is going.
  // `key`: of the metadata tickmlp-key; empty where there is none.
  Refusal answer(Method method, bool ready, std::string_view key, ByteBuffer* request, ByteBuffer* response);
  // A message of a stream: what its inference refuses is told in the response, its status noted in the exchange.
  // Refused is what is no message. Where it is `shed`, it is not asked.
  Refusal answer_streamed(std::string_view key, const Refusal& shed, ByteBuffer* request, ByteBuffer* response);

  // Load and unload: whether this caller may, and the model's name. `authorization` is the metadata of that name.
  Refusal read_change(Method method, std::string_view authorization, ByteBuffer* request, std::string* name);
  // A message without fields: what load and unload answer.
  static ByteBuffer nothing();

  // Statistics: of which model and version, empty of all.
  Refusal read_statistics(ByteBuffer* request, std::string* name, std::optional<std::uint64_t>* version);

 private:
  template <typename Request, typename Handler>
  Refusal with(ByteBuffer* bytes, Handler handler);
  Refusal infer(const inference::ModelInferRequest& request, std::string_view key,
                inference::ModelInferResponse* response);
  Refusal model_metadata(const inference::ModelMetadataRequest& request, inference::ModelMetadataResponse* response);
  Refusal find(const std::string& name, const std::string& version_text, ThreadModel** model,
               std::optional<std::uint64_t>* version);
  bool model_ready(const inference::ModelReadyRequest& request);
  Refusal index(const inference::RepositoryIndexRequest& request, inference::RepositoryIndexResponse* response) const;

  const GrpcOptions& options_;
  Repository& repository_;
  Meter& meter_;
  Models models_;
  InferRequest request_;
  std::vector<float> outputs_;
  std::vector<char> first_block_;
  google::protobuf::Arena arena_;  // of the messages of the call under way
};

}  // namespace tickmlp::serve
#endif
