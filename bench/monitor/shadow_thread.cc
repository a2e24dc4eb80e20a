// SPDX-License-Identifier: Apache-2.0
#include "monitor/shadow_thread.h"

#include <algorithm>

namespace tickmlp::bench {
namespace {

constexpr std::size_t kAtOnce = 64;
constexpr std::chrono::nanoseconds kPiece = std::chrono::milliseconds(50);  // of a sleep, so that the end is not late

}  // namespace

ShadowThread::ShadowThread(const Model& primary, const MonitorOptions& options)
    : sleep_(static_cast<std::int64_t>(options.shadow_sleep_ns)), candidate_(load_model(options.shadow, "")) {
  tickmlp_shadow* shadow = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_shadow_create(primary.get(), candidate_.get(), nullptr, &shadow, &error);
  if (status != TICKMLP_OK) fail("cannot shadow", status, error);
  shadow_.reset(shadow);
}

void ShadowThread::start() {
  thread_ = std::thread([this] { run(); });
}

ShadowThread::~ShadowThread() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

tickmlp_monitor_source ShadowThread::source() const {
  tickmlp_monitor_source source{};
  source.model = candidate_.get();
  source.recorder = tickmlp_shadow_recorder(shadow_.get());
  source.session = tickmlp_shadow_session(shadow_.get());
  source.shadow = shadow_.get();
  source.path = "shadow";
  source.core = -1;
  return source;
}

void ShadowThread::run() {
  while (!stopping_) {
    while (tickmlp_shadow_work(shadow_.get(), kAtOnce) != 0 && !stopping_) {
    }
    for (std::chrono::nanoseconds slept{0}; slept < sleep_ && !stopping_; slept += kPiece)
      std::this_thread::sleep_for(std::min(kPiece, sleep_ - slept));
  }
}

}  // namespace tickmlp::bench
