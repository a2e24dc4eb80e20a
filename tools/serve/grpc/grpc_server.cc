// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/grpc_server.h"

#include <absl/synchronization/mutex.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "serve/authority.h"
#include "serve/grpc/worker.h"
#include "serve/make_thread.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kMemory = std::size_t{128} << 20;  // of gRPC's buffers; beyond it calls are refused
constexpr int kStreamsOfOneConnection = 256;             // calls at a time
constexpr int kKeepaliveMs = 60'000;                     // a peer that is silent for so long is asked, and
constexpr int kKeepaliveTimeoutMs = 20'000;              // given up when it does not answer within this
constexpr int kPingsApartMs = 10'000;                    // a client that asks more often is cut off

// For so long a server that ends refuses calls itself, with UNAVAILABLE, so that who asks without a pause is gone
// before gRPC shuts down: what comes at just that moment it ends with CANCELLED, which no client tries elsewhere.
constexpr std::chrono::milliseconds kFarewell(100);
constexpr std::chrono::milliseconds kLook(10);  // between two looks at whether all calls are answered
constexpr int kLooks = 1000;                    // a ms apart, for threads that are to be gone
// Then connections are told to end, and after this they are cut: a client of gRPC that is idle looks at what came to it
// every 5 s only.
constexpr std::chrono::milliseconds kGoodbye(500);

int milliseconds(std::uint64_t ns) { return static_cast<int>(ns / 1'000'000); }

std::shared_ptr<grpc::ServerCredentials> credentials_of(const GrpcOptions& options) {
  if (options.tls_certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({options.tls_key, options.tls_certificate});
  return grpc::SslServerCredentials(tls);
}

void set_up_libraries() {
  // Debian's Abseil is built to look for deadlocks at each lock: 6 % of a call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // gRPC and protobuf write a line for what a client did wrong, whoever the client is. GRPC_VERBOSITY asks for theirs.
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args*) {});
  google::protobuf::SetLogHandler(nullptr);
}

void set_limits(const GrpcOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.body_bytes));
  builder->SetResourceQuota(grpc::ResourceQuota("tickmlp").Resize(kMemory));
  // gRPC inflates without a limit: 8 MB of zeros in gzip are 8 GB. 420 numbers do not get much smaller.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(options.header_bytes));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsOfOneConnection);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(options.handshake_ns));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingsApartMs);
}

std::ptrdiff_t threads_here() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/task", error);
  return error ? 0 : std::distance(begin(all), end(all));
}

// gRPC 1.51 waits without end, or aborts, where the system refuses it one of its own threads, which are 4 and one for
// each CPU, 2 to 32: so twice as many are made here first. Throws StartError.
void check_threads() {
  const auto before = threads_here();
  const unsigned count = 2 * (4 + std::clamp(std::thread::hardware_concurrency(), 2U, 32U));
  std::promise<void> all;
  const std::shared_future<void> made = all.get_future().share();
  std::vector<std::thread> threads;
  StartError refused;
  try {
    while (threads.size() < count)
      threads.push_back(
          make_thread("one of " + std::to_string(count) + " threads that gRPC may want", [made] { made.wait(); }));
  } catch (const StartError& error) {
    refused = error;
  }
  all.set_value();
  for (std::thread& thread : threads) thread.join();
  if (!refused.message.empty()) throw refused;
  // A thread that was joined counts until the kernel is through with it, which is here or a little later.
  for (int i = 0; i < kLooks && threads_here() > before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

class Server final : public GrpcServer {
 public:
  Server(const GrpcOptions& options, const GrpcHost& host) : options_(options), shared_{options_, host} {}

  ~Server() override {
    if (server_ == nullptr) return;
    drain(0);
    join();
    for (std::size_t i = threads_.size(); i < workers_.size(); ++i) workers_[i]->end();
  }

  Refusal start() {
    check_threads();
    const std::string address = authority(options_.host, options_.port);
    grpc::ServerBuilder builder;
    set_limits(options_, &builder);
    builder.RegisterService(&shared_.service);
    builder.AddListeningPort(address, credentials_of(options_), &port_);
    const std::size_t count = options_.cores.empty() ? options_.threads : options_.cores.size();
    for (std::size_t i = 0; i < count; ++i)
      workers_.push_back(std::make_unique<GrpcWorker>(shared_, builder.AddCompletionQueue(), static_cast<int>(i)));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0)
      return {Code::internal,
              "gRPC cannot listen on " + address +
                  (options_.tls_certificate.empty() ? ": expected an address of this machine and a port "
                                                      "that is free"
                                                    : ": expected a port that is free, and a "
                                                      "certificate and its key in PEM")};
    shared_.port = port();
    Refusal refusal;
    for (std::size_t i = 0; i < count; ++i) {
      std::promise<Refusal> started;
      const int core = options_.cores.empty() ? -1 : options_.cores[i];
      threads_.push_back(
          make_thread("gRPC thread " + std::to_string(i), [&, i, core] { workers_[i]->run(core, &started); }));
      refusal = started.get_future().get();
      if (refusal) break;
    }
    return refusal;
  }

  std::uint16_t port() const override { return static_cast<std::uint16_t>(port_); }

  void not_ready() override {
    Phase expected = Phase::serving;
    shared_.phase.compare_exchange_strong(expected, Phase::not_ready);
  }

  void drain(std::uint64_t limit_ns) override {
    if (limit_ns == 0) hurry_ = true;
    if (std::exchange(draining_, true)) return;
    shared_.phase = Phase::draining;
    const auto end_it = [this, limit = std::chrono::nanoseconds(limit_ns)] {
      const auto end = std::chrono::steady_clock::now() + limit;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(limit, kFarewell));
      while (under_way() != 0 && !hurry_ && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(kLook);
      server_->Shutdown(std::chrono::system_clock::now() + kGoodbye);
      shared_.phase = Phase::shut_down;
    };
    const std::lock_guard lock(making_);
    try {
      drainer_ = std::thread(end_it);
    } catch (const std::exception&) {  // no thread to be had: then here, though nobody hears a second signal meanwhile
      end_it();
    }
  }

  void join() override {
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
    const std::lock_guard lock(making_);  // the end of the threads may come before that of its making
    if (drainer_.joinable()) drainer_.join();
  }

 private:
  std::uint64_t under_way() const {
    std::uint64_t calls = 0;
    for (const auto& worker : workers_) calls += worker->under_way();
    return calls;
  }

  const GrpcOptions options_;
  GrpcShared shared_;
  int port_ = 0;
  std::vector<std::unique_ptr<GrpcWorker>> workers_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  std::atomic<bool> hurry_ = false;  // what is under way is cancelled at once
  bool draining_ = false;            // of who calls drain()
  std::mutex making_;
  std::thread drainer_;  // under it
};

}  // namespace

bool has_grpc() { return true; }

Refusal start_grpc(const GrpcOptions& options, const GrpcHost& host, std::unique_ptr<GrpcServer>* out) {
  set_up_libraries();
  auto server = std::make_unique<Server>(options, host);
  if (Refusal refusal = server->start()) return refusal;
  *out = std::move(server);
  return {};
}

}  // namespace tickmlp::serve
