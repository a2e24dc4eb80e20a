// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/calls.h"

#include <chrono>

#include "serve/grpc/statistics.h"
#include "serve/log/traceparent.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kStreams = 1000;  // most at a time, of one worker

constexpr char kKey[] = "tickmlp-key";                  // chooses an arm of a split
constexpr char kPushback[] = "grpc-retry-pushback-ms";  // clients that try again by themselves wait so long
constexpr std::string_view kVerb = "POST";              // of HTTP/2, whichever call it is
constexpr char kTraceparent[] = "traceparent";

const Refusal kDraining{Code::unavailable, "the server is shutting down"};

// What the client no longer waits for is not computed.
Refusal check_deadline(const grpc::ServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max() || deadline > std::chrono::system_clock::now())
    return {};
  return {Code::timeout, "the call's deadline passed before it was served"};
}

// Of two with this name, none is believed.
std::string_view metadata_of(const grpc::ServerContext& context, const char* name) {
  const auto& metadata = context.client_metadata();
  if (metadata.count(name) != 1) return {};
  const grpc::string_ref value = metadata.find(name)->second;
  return {value.data(), value.size()};
}

// What is well formed is passed back.
std::string_view take_traceparent(grpc::ServerContext* context) {
  const std::string_view traceparent = valid_traceparent(metadata_of(*context, kTraceparent));
  if (!traceparent.empty()) context->AddInitialMetadata(kTraceparent, std::string(traceparent));
  return traceparent;
}

}  // namespace

void UnaryCall::expect() {
  answered_ = false;
  responder_.reset();
  context_.emplace();
  responder_.emplace(&*context_);
  request_.Clear();
  worker_.shared().service.expect(method_, &*context_, &request_, &*responder_, worker_.queue(), this);
}

void UnaryCall::proceed(bool ok) {
  if (!answered_ && ok) {
    answered_ = true;
    worker_.begun();
    received_bytes_ = request_.Length();
    traceparent_ = take_traceparent(&*context_);
    return takes_long() ? answer_later() : answer();
  }
  // Answered, or the server is shut down and no call came.
  if (answered_) worker_.ended();
  if (answered_ && takes_long()) {
    worker_.meter().arrived();  // a turn of its own: that of its request ended long ago
    worker_.meter().answered(status_, received_bytes_, sent_bytes_,
                             {kVerb, path_of(method_), {}, traceparent_, reason_});
    worker_.meter().sending();
    worker_.meter().sent();
  }
  if (answered_ && worker_.expecting()) return expect();
  delete this;
}

bool UnaryCall::takes_long() const {
  return method_ == Method::model_load || method_ == Method::model_unload || method_ == Method::model_statistics;
}

void UnaryCall::answer() {
  Meter& meter = worker_.meter();
  meter.arrived();
  ByteBuffer response;
  Refusal refusal = worker_.draining() && method_ == Method::model_infer ? kDraining : check_deadline(*context_);
  if (!refusal && method_ == Method::model_infer) {
    refusal = worker_.sheds(*context_);
    if (refusal) context_->AddTrailingMetadata(kPushback, std::to_string(1000 * refusal.retry_after_s));
  }
  if (!refusal)
    refusal = worker_.methods().answer(method_, worker_.ready(), metadata_of(*context_, kKey), &request_, &response);
  meter.answered(http_status(refusal.code), received_bytes_, response.Length(),
                 {kVerb, path_of(method_), meter.current().id, traceparent_, refusal.message});
  meter.sending();
  finish(refusal, response);
  meter.sent();
}

// The jobs' thread does it and answers, and the end of its answer comes back to this thread.
void UnaryCall::answer_later() {
  if (worker_.draining()) return finish(kDraining, {});
  std::string name;
  if (method_ == Method::model_statistics) {
    std::optional<std::uint64_t> version;
    if (const Refusal refusal = worker_.methods().read_statistics(&request_, &name, &version))
      return finish(refusal, {});
    return worker_.shared().host.jobs.post(
        [this, name, version] { finish({}, statistics_bytes(worker_.shared().host, name, version)); });
  }
  if (const Refusal refusal =
          worker_.methods().read_change(method_, metadata_of(*context_, "authorization"), &request_, &name))
    return finish(refusal, {});
  worker_.shared().host.jobs.post([this, name] {
    Repository& repository = worker_.shared().host.repository;
    finish(method_ == Method::model_unload ? repository.unload(name) : repository.load(name), Methods::nothing());
  });
}

void UnaryCall::finish(const Refusal& refusal, const ByteBuffer& response) {
  status_ = http_status(refusal.code);
  reason_ = refusal.message;
  sent_bytes_ = response.Length();
  if (refusal) responder_->FinishWithError(status_of(refusal), this);
  else responder_->Finish(response, grpc::Status::OK, this);
}

StreamCall::StreamCall(GrpcWorker& worker) : Call(worker) {
  worker_.shared().service.expect_stream(&context_, &responder_, worker_.queue(), this);
}

void StreamCall::read() {
  state_ = State::reading;
  ++under_way_;
  responder_.Read(&message_, this);
}

// Each message is seen as a call is.
void StreamCall::answer() {
  Meter& meter = worker_.meter();
  meter.arrived();
  const std::size_t received_bytes = message_.Length();
  ByteBuffer response;
  const Refusal refusal =
      worker_.methods().answer_streamed(metadata_of(context_, kKey), worker_.sheds(context_), &message_, &response);
  meter.answered(refusal ? http_status(refusal.code) : meter.current().status, received_bytes, response.Length(),
                 {kVerb, path_of(Method::model_stream_infer), meter.current().id, traceparent_,
                  refusal ? std::string_view(refusal.message) : meter.current().reason});
  meter.sending();
  if (refusal) {
    finish(refusal);
  } else {
    state_ = State::writing;
    ++under_way_;
    responder_.Write(response, this);
  }
  meter.sent();
}

void StreamCall::finish(const Refusal& refusal) {
  state_ = State::finishing;
  ++under_way_;
  responder_.Finish(status_of(refusal), this);
}

void StreamCall::drain() {
  if (state_ == State::reading) finish(kDraining);
}

void StreamCall::proceed(bool ok) {
  --under_way_;
  switch (state_) {
    case State::expecting:
      if (!ok) break;  // the server is shut down
      if (worker_.expecting()) new StreamCall(worker_);
      worker_.begun();
      worker_.streams().insert(this);
      traceparent_ = take_traceparent(&context_);
      if (worker_.draining()) return finish(kDraining);
      if (worker_.streams().size() > kStreams)
        return finish({Code::too_large, "more than " + std::to_string(kStreams) + " streams"});
      return read();
    case State::reading:
      if (!ok) return finish({});  // the client has sent its last, or is gone
      return answer();
    case State::writing:
      if (!ok) return finish({});  // the client is gone
      if (worker_.draining()) return finish(kDraining);
      return read();
    case State::finishing:
      if (under_way_ != 0) return;
      worker_.streams().erase(this);
      worker_.ended();
      break;
  }
  delete this;
}

}  // namespace tickmlp::serve
