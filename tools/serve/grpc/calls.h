// SPDX-License-Identifier: Apache-2.0
// A call as a state machine over its worker's completion queue, which has it as a tag: it lives by itself, and deletes
// itself after its last operation.
#ifndef TICKMLP_SERVE_GRPC_CALLS_H_
#define TICKMLP_SERVE_GRPC_CALLS_H_
#include <optional>

#include "serve/grpc/worker.h"

namespace tickmlp::serve {

class Call {
 public:
  explicit Call(GrpcWorker& worker) : worker_(worker) {}
  virtual ~Call() = default;
  Call(const Call&) = delete;
  // One of its operations has ended; `ok` as the completion queue says. *this may be gone afterwards.
  virtual void proceed(bool ok) = 0;

 protected:
  GrpcWorker& worker_;
};

// One message in, one out; then it waits for the next call of its method.
class UnaryCall : public Call {
 public:
  UnaryCall(GrpcWorker& worker, Method method) : Call(worker), method_(method) { expect(); }
  void proceed(bool ok) override;

 private:
  void expect();
  bool takes_long() const;
  void answer();
  void answer_later();
  void finish(const Refusal& refusal, const ByteBuffer& response);

  const Method method_;
  bool answered_ = false;
  // Of a call that takes long, which is told to the meter when its answer has gone.
  int status_ = 0;
  std::string reason_;
  std::size_t received_bytes_ = 0, sent_bytes_ = 0;
  std::string_view traceparent_;
  std::optional<grpc::ServerContext> context_;  // each serves one call
  std::optional<UnaryResponder> responder_;
  ByteBuffer request_;
};

// Messages one after the other, each answered before the next is read.
class StreamCall : public Call {
 public:
  explicit StreamCall(GrpcWorker& worker);
  void proceed(bool ok) override;
  // Ends the call where it waits for its client.
  void drain();

 private:
  enum class State { expecting, reading, writing, finishing };
  void read();
  void answer();
  void finish(const Refusal& refusal);

  State state_ = State::expecting;
  std::string_view traceparent_;
  int under_way_ = 1;  // operations: a finish can overtake a read
  grpc::ServerContext context_;
  StreamResponder responder_{&context_};
  ByteBuffer message_;
};

}  // namespace tickmlp::serve
#endif
