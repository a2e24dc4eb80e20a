// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/worker.h"

#include <pthread.h>

#include <chrono>
#include <ctime>
#include <stdexcept>

#include "serve/grpc/calls.h"
#include "serve/steady_clock.h"

namespace tickmlp::serve {
namespace {

constexpr std::chrono::milliseconds kTick(100);  // of housekeeping, and most that the thread waits
constexpr std::uint64_t kTickNs = std::chrono::nanoseconds(kTick).count();
// Calls of a method that may be under way at a time, of one worker; further ones wait inside gRPC. An inference is
// answered before the next call is looked at, so these are answers that are being sent.
constexpr int kInferences = 64;
constexpr int kOthers = 4;

}  // namespace

GrpcWorker::GrpcWorker(GrpcShared& shared, std::unique_ptr<grpc::ServerCompletionQueue> queue, int index)
    : shared_(shared),
      queue_(std::move(queue)),
      name_("grpc-" + std::to_string(index)),
      meter_(shared.host.metrics.add_thread(name_, Protocol::grpc), shared.host.metrics.clock(),
             shared.host.log.add_thread(name_, Protocol::grpc)),
      shedder_(shared.options.queue_ms) {}

void GrpcWorker::run(int core, std::promise<Refusal>* started) {
  pthread_setname_np(pthread_self(), ("tickmlp-" + name_).c_str());
  tickmlp_error error{};
  try {
    if (core >= 0 && tickmlp_pin_thread(core, &error) != TICKMLP_OK)
      throw std::runtime_error(std::string("--grpc-cores: ") + error.message);
    peers_.emplace(shared_.port);
    methods_.emplace(shared_.options, shared_.host, name_, meter_);
    housekeeping();
    for (int method = 0; method < static_cast<int>(Method::model_stream_infer); ++method)
      for (int i = 0; i < (method == static_cast<int>(Method::model_infer) ? kInferences : kOthers); ++i)
        new UnaryCall(*this, static_cast<Method>(method));
    new StreamCall(*this);
    started->set_value({});
  } catch (const std::exception& refused) {  // no core, no memory, too many readers
    methods_.reset();
    started->set_value({Code::internal, refused.what()});
  }
  serve();
  meter_.figures().turned_ns.set(0);
  methods_.reset();
}

void GrpcWorker::housekeeping() {
  methods_->housekeeping();
  timespec cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  shedder_.tick(static_cast<std::uint64_t>(cpu.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(cpu.tv_nsec));
}

Refusal GrpcWorker::sheds(const grpc::ServerContext& context) {
  if (!shedder_.sheds(false, [&] { return peers_->waited_ms(context.peer(), steady_ns()); })) return {};
  shared_.host.health.shed_total.fetch_add(1, std::memory_order_relaxed);
  return {Code::unavailable, "overload: requests wait for too long: try again later"};
}

void GrpcWorker::serve() {
  for (std::uint64_t kept_ns = 0;;) {
    const std::uint64_t now_ns = steady_ns();
    meter_.figures().turned_ns.set(now_ns);
    if (methods_ && now_ns - kept_ns >= kTickNs) {
      housekeeping();
      kept_ns = now_ns;
    }
    void* tag = nullptr;
    bool ok = false;
    switch (queue_->AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kTick)) {
      case grpc::CompletionQueue::SHUTDOWN: return;
      case grpc::CompletionQueue::TIMEOUT: break;
      case grpc::CompletionQueue::GOT_EVENT: static_cast<Call*>(tag)->proceed(ok); break;
    }
    if (shared_.phase.load(std::memory_order_acquire) != phase_) follow_phase();
  }
}

void GrpcWorker::follow_phase() {
  phase_ = shared_.phase.load(std::memory_order_acquire);
  if (draining())
    for (StreamCall* stream : streams_) stream->drain();
  // In this thread, so that no call can be expected on a queue that is shut down.
  if (phase_ == Phase::shut_down) queue_->Shutdown();
}

}  // namespace tickmlp::serve
