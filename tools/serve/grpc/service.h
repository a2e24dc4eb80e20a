// SPDX-License-Identifier: Apache-2.0
// The calls of inference.GRPCInferenceService, each with its message as bytes: so one state machine serves all of them,
// and what is no message gets an answer of ours.
#ifndef TICKMLP_SERVE_GRPC_SERVICE_H_
#define TICKMLP_SERVE_GRPC_SERVICE_H_
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <inference.grpc.pb.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "serve/refusal.h"

namespace tickmlp::serve {

// In the order of inference.proto.
enum class Method {
  server_live,
  server_ready,
  model_ready,
  server_metadata,
  model_metadata,
  model_infer,
  repository_index,
  model_load,
  model_unload,
  model_statistics,
  model_stream_infer
};
inline constexpr int kMethods = static_cast<int>(Method::model_stream_infer) + 1;

// As it is called over HTTP/2, for the log.
inline std::string_view path_of(Method method) {
  static constexpr std::string_view kPaths[kMethods] = {"/inference.GRPCInferenceService/ServerLive",
                                                        "/inference.GRPCInferenceService/ServerReady",
                                                        "/inference.GRPCInferenceService/ModelReady",
                                                        "/inference.GRPCInferenceService/ServerMetadata",
                                                        "/inference.GRPCInferenceService/ModelMetadata",
                                                        "/inference.GRPCInferenceService/ModelInfer",
                                                        "/inference.GRPCInferenceService/RepositoryIndex",
                                                        "/inference.GRPCInferenceService/RepositoryModelLoad",
                                                        "/inference.GRPCInferenceService/RepositoryModelUnload",
                                                        "/inference.GRPCInferenceService/ModelStatistics",
                                                        "/inference.GRPCInferenceService/ModelStreamInfer"};
  return kPaths[static_cast<int>(method)];
}

using grpc::ByteBuffer;
using UnaryResponder = grpc::ServerAsyncResponseWriter<ByteBuffer>;
using StreamResponder = grpc::ServerAsyncReaderWriter<ByteBuffer, ByteBuffer>;

class Service : public inference::GRPCInferenceService::Service {
 public:
  Service() {
    for (int i = 0; i < kMethods; ++i) MarkMethodRaw(i);
  }
  // The next call of this method comes to `queue` as `tag`, with its message in *request.
  void expect(Method method, grpc::ServerContext* context, ByteBuffer* request, UnaryResponder* responder,
              grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncUnary(static_cast<int>(method), context, request, responder, queue, queue, tag);
  }
  void expect_stream(grpc::ServerContext* context, StreamResponder* responder, grpc::ServerCompletionQueue* queue,
                     void* tag) {
    RequestAsyncBidiStreaming(static_cast<int>(Method::model_stream_infer), context, responder, queue, queue, tag);
  }
};

inline ByteBuffer to_bytes(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return ByteBuffer(&slice, 1);
}

// A status travels in the trailers, and clients take 8 KB of those: what a client said of itself is cut.
inline std::string shortened(std::string_view message) { return std::string(first_bytes(message, 500)); }

inline grpc::Status status_of(const Refusal& refusal) {
  const auto code = [&] {
    switch (refusal.code) {
      case Code::ok: return grpc::StatusCode::OK;
      case Code::bad_request:
      case Code::length_required:
      case Code::unsupported_type: return grpc::StatusCode::INVALID_ARGUMENT;
      case Code::unauthorised: return grpc::StatusCode::UNAUTHENTICATED;
      case Code::forbidden: return grpc::StatusCode::PERMISSION_DENIED;
      case Code::not_found: return grpc::StatusCode::NOT_FOUND;
      case Code::method_not_allowed: return grpc::StatusCode::UNIMPLEMENTED;
      case Code::timeout: return grpc::StatusCode::DEADLINE_EXCEEDED;
      case Code::conflict: return grpc::StatusCode::FAILED_PRECONDITION;
      case Code::too_large:
      case Code::header_too_large: return grpc::StatusCode::RESOURCE_EXHAUSTED;
      case Code::internal: return grpc::StatusCode::INTERNAL;
      case Code::unavailable: return grpc::StatusCode::UNAVAILABLE;
    }
    return grpc::StatusCode::UNKNOWN;
  }();
  return code == grpc::StatusCode::OK ? grpc::Status() : grpc::Status(code, shortened(refusal.message));
}

}  // namespace tickmlp::serve
#endif
