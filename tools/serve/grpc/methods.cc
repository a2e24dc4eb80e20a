// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/methods.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include "serve/admin_token.h"
#include "serve/engine/choose.h"

namespace tickmlp::serve {
namespace {

using google::protobuf::Arena;

// A request of one state and its answer fit; more comes from malloc and goes back after the call.
constexpr std::size_t kFirstBlock = 16384;

google::protobuf::ArenaOptions arena_options(std::vector<char>* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block->data();
  options.initial_block_size = block->size();
  return options;
}

Refusal check_version(const ThreadModel& model, const std::string& text, std::optional<std::uint64_t>* out) {
  if (Refusal refusal = read_version(text, out)) return refusal;
  if (!*out || model.has_version(**out)) return {};
  return {Code::not_found, "model " + model.served->name + " has no version " + std::to_string(**out)};
}

Refusal check_repository(const std::string& name) {
  if (name.empty()) return {};
  return {Code::not_found,
          "repository_name " + quote(name) + ": expected none: this server has one repository, which has no name"};
}

}  // namespace

Methods::Methods(const GrpcOptions& options, const GrpcHost& host, std::string thread_name, Meter& meter)
    : options_(options),
      repository_(host.repository),
      meter_(meter),
      models_(host.repository, std::move(thread_name), &host.shadows, options.breaker),
      first_block_(kFirstBlock),
      arena_(arena_options(&first_block_)) {
  models_.count(host.metrics, meter.figures());
}

template <typename Request, typename Handler>
Refusal Methods::with(ByteBuffer* bytes, Handler handler) {
  try {
    arena_.Reset();
    auto* request = Arena::CreateMessage<Request>(&arena_);
    grpc::ProtoBufferReader reader(bytes);
    if (!reader.status().ok() || !request->ParseFromZeroCopyStream(&reader))
      return {Code::bad_request, "the message: expected a " + request->GetTypeName()};
    return handler(*request);
  } catch (const std::exception& error) {  // out of memory: this call's end, and nobody else's
    return {Code::internal, error.what()};
  }
}

Refusal Methods::answer(Method method, bool ready, std::string_view key, ByteBuffer* bytes, ByteBuffer* response) {
  models_.refresh();
  switch (method) {
    case Method::model_infer:
      return with<inference::ModelInferRequest>(bytes, [&](const auto& request) {
        auto* answer = Arena::CreateMessage<inference::ModelInferResponse>(&arena_);
        if (Refusal refusal = infer(request, key, answer)) return refusal;
        *response = to_bytes(*answer);
        return Refusal{};
      });
    case Method::server_live:
      return with<inference::ServerLiveRequest>(bytes, [&](const auto&) {
        inference::ServerLiveResponse answer;
        answer.set_live(true);
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::server_ready:
      return with<inference::ServerReadyRequest>(bytes, [&](const auto&) {
        inference::ServerReadyResponse answer;
        answer.set_ready(ready && repository_.ready());
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::model_ready:
      return with<inference::ModelReadyRequest>(bytes, [&](const auto& request) {
        inference::ModelReadyResponse answer;
        answer.set_ready(model_ready(request));
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::server_metadata:
      return with<inference::ServerMetadataRequest>(bytes, [&](const auto&) {
        inference::ServerMetadataResponse answer;
        answer.set_name("tickmlp");
        answer.set_version(tickmlp_version());
        answer.add_extensions("model_repository");
        answer.add_extensions("statistics");
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::model_metadata:
      return with<inference::ModelMetadataRequest>(bytes, [&](const auto& request) {
        inference::ModelMetadataResponse answer;
        if (Refusal refusal = model_metadata(request, &answer)) return refusal;
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::repository_index:
      return with<inference::RepositoryIndexRequest>(bytes, [&](const auto& request) {
        inference::RepositoryIndexResponse answer;
        if (Refusal refusal = index(request, &answer)) return refusal;
        *response = to_bytes(answer);
        return Refusal{};
      });
    case Method::model_load:
    case Method::model_unload:
    case Method::model_statistics:
    case Method::model_stream_infer: break;  // not asked here
  }
  return {Code::internal, "no such method"};
}

Refusal Methods::answer_streamed(std::string_view key, const Refusal& shed, ByteBuffer* bytes, ByteBuffer* response) {
  models_.refresh();
  return with<inference::ModelInferRequest>(bytes, [&](const auto& request) {
    auto* answer = Arena::CreateMessage<inference::ModelStreamInferResponse>(&arena_);
    meter_.current().id = request.id();
    const Refusal refusal = shed ? shed : infer(request, key, answer->mutable_infer_response());
    meter_.current().status = http_status(refusal.code);
    if (refusal) {
      answer->mutable_infer_response()->Clear();
      answer->mutable_infer_response()->set_id(request.id());  // which of the stream's requests it was
      answer->set_error_message(refusal.message);
      meter_.current().reason = answer->error_message();
    }
    *response = to_bytes(*answer);
    return Refusal{};
  });
}

Refusal Methods::infer(const inference::ModelInferRequest& request, std::string_view key,
                       inference::ModelInferResponse* response) {
  Exchange& exchange = meter_.current();
  exchange.id = request.id();
  ThreadModel* model = nullptr;
  if (Refusal refusal = choose_model(models_, options_.splits, request.model_name(), key, true, &model)) return refusal;
  std::optional<std::uint64_t> version;
  if (Refusal refusal = check_version(*model, request.model_version(), &version)) return refusal;
  exchange.model = model->figures;
  exchange.generation = version.value_or(model->generation);
  const Shape& shape = model->served->shape;
  if (Refusal refusal = read_infer(shape, request, options_.max_states, &request_)) return refusal;
  outputs_.resize(request_.states * shape.outputs);
  exchange.states = request_.states;
  Inferred inferred = models_.infer(*model, version, request_.inputs, request_.states, outputs_.data());
  exchange.note(inferred.generation, inferred.cached, inferred.begin, inferred.end);
  if (inferred.refusal) return std::move(inferred.refusal);
  models_.executed(*model, inferred, request_.states);
  response->set_model_name(model->served->name);
  response->set_model_version(std::to_string(inferred.generation));
  response->set_id(request.id());
  write_infer(shape, request_, outputs_.data(), response);
  if (inferred.watched) offer_to_shadow(*model, request_.inputs.data(), request_.states, outputs_.data());
  return {};
}

Refusal Methods::find(const std::string& name, const std::string& version_text, ThreadModel** model,
                      std::optional<std::uint64_t>* version) {
  if (Refusal refusal = choose_model(models_, options_.splits, name, {}, false, model)) return refusal;
  return check_version(**model, version_text, version);
}

// A model that is not there is not ready, and no error.
bool Methods::model_ready(const inference::ModelReadyRequest& request) {
  ThreadModel* model = nullptr;
  std::optional<std::uint64_t> version;
  return !find(request.name(), request.version(), &model, &version) &&
         !check_arms(models_, options_.splits, request.name());
}

Refusal Methods::model_metadata(const inference::ModelMetadataRequest& request,
                                inference::ModelMetadataResponse* response) {
  ThreadModel* model = nullptr;
  std::optional<std::uint64_t> version;
  if (Refusal refusal = find(request.name(), request.version(), &model, &version)) return refusal;
  const Shape& shape = model->served->shape;
  const auto describe = [](auto* tensor, std::string_view name, std::uint32_t columns) {
    tensor->set_name(std::string(name));
    tensor->set_datatype("FP32");
    tensor->add_shape(-1);
    tensor->add_shape(columns);
  };
  response->set_name(model->served->name);
  for (const std::uint64_t generation : versions_of(*model)) response->add_versions(std::to_string(generation));
  response->set_platform("tickmlp");
  describe(response->add_inputs(), kInputName, shape.inputs);
  for (const HeadShape& head : shape.heads) describe(response->add_outputs(), head.name, head.outputs);
  return {};
}

Refusal Methods::index(const inference::RepositoryIndexRequest& request,
                       inference::RepositoryIndexResponse* response) const {
  if (Refusal refusal = check_repository(request.repository_name())) return refusal;
  for (const IndexRow& row : repository_.index()) {
    if (request.ready() && row.state != "READY") continue;
    auto* model = response->add_models();
    model->set_name(row.name);
    model->set_version(row.version);
    model->set_state(row.state);
    model->set_reason(row.reason);
  }
  return {};
}

Refusal Methods::read_change(Method method, std::string_view authorization, ByteBuffer* bytes, std::string* name) {
  if (Refusal refusal = check_admin_token(authorization, options_.admin_token)) return refusal;
  if (method == Method::model_unload)
    return with<inference::RepositoryModelUnloadRequest>(bytes, [&](const auto& request) {
      *name = request.model_name();
      return check_repository(request.repository_name());
    });
  return with<inference::RepositoryModelLoadRequest>(bytes, [&](const auto& request) {
    *name = request.model_name();
    // Triton's clients can send a configuration and files in them: a model comes from the repository here.
    if (!request.parameters().empty())
      return Refusal{Code::bad_request,
                     "parameters: " + cut_text(request.parameters().begin()->first) + ": expected none"};
    return check_repository(request.repository_name());
  });
}

Refusal Methods::read_statistics(ByteBuffer* bytes, std::string* name, std::optional<std::uint64_t>* version) {
  models_.refresh();
  return with<inference::ModelStatisticsRequest>(bytes, [&](const auto& request) {
    if (request.name().empty()) return read_version(request.version(), version);
    ThreadModel* model = nullptr;
    if (Refusal refusal = find(request.name(), request.version(), &model, version)) return refusal;
    *name = model->served->name;
    return Refusal{};
  });
}

ByteBuffer Methods::nothing() { return to_bytes(inference::RepositoryModelLoadResponse()); }

}  // namespace tickmlp::serve
