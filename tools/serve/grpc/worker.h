// SPDX-License-Identifier: Apache-2.0
// One serving thread of the gRPC server: its completion queue, its calls, its models.
#ifndef TICKMLP_SERVE_GRPC_WORKER_H_
#define TICKMLP_SERVE_GRPC_WORKER_H_
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <unordered_set>

#include "serve/grpc/methods.h"
#include "serve/grpc/peers.h"
#include "serve/guard/shedder.h"

namespace tickmlp::serve {

// What the server's threads follow; it only ever goes forward.
enum class Phase { serving, not_ready, draining, shut_down };

struct GrpcShared {
  const GrpcOptions& options;
  const GrpcHost host;
  Service service{};
  std::atomic<Phase> phase{Phase::serving};
  std::uint16_t port = 0;  // before the threads begin
};

class StreamCall;

class GrpcWorker {
 public:
  GrpcWorker(GrpcShared& shared, std::unique_ptr<grpc::ServerCompletionQueue> queue, int index);

  // Serves until the queue is drained, after Phase::shut_down. Pins the thread first where core is not below 0, and
  // says how that went: after a refusal the queue is drained too.
  void run(int core, std::promise<Refusal>* started);
  // In place of run(), where there is no thread for it; once the server is shut down.
  void end() { serve(); }

  // From any thread: calls that came and are not yet answered and sent.
  std::uint64_t under_way() const { return under_way_.load(std::memory_order_relaxed); }

  // To its calls.
  void begun() { under_way_.store(under_way() + 1, std::memory_order_relaxed); }
  void ended() { under_way_.store(under_way() - 1, std::memory_order_relaxed); }
  bool ready() const { return phase_ == Phase::serving && *shared_.host.health.not_ready() == '\0'; }
  bool draining() const { return phase_ >= Phase::draining; }
  bool expecting() const { return phase_ != Phase::shut_down; }  // new calls may be waited for
  Methods& methods() { return *methods_; }
  Meter& meter() { return meter_; }
  // Whether an inference waited for too long to be served.
  Refusal sheds(const grpc::ServerContext& context);
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  GrpcShared& shared() { return shared_; }
  std::unordered_set<StreamCall*>& streams() { return streams_; }  // that have begun

 private:
  void serve();
  void housekeeping();
  void follow_phase();

  GrpcShared& shared_;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  const std::string name_;
  Meter meter_;
  Shedder shedder_;
  std::optional<Peers> peers_;      // made in the thread that runs: the port is known then
  std::optional<Methods> methods_;  // made in the thread that runs: its readers belong to it
  std::unordered_set<StreamCall*> streams_;
  std::atomic<std::uint64_t> under_way_ = 0;  // written by this thread alone
  Phase phase_ = Phase::serving;
};

}  // namespace tickmlp::serve
#endif
