// SPDX-License-Identifier: Apache-2.0
#include "monitor/hot_thread.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kSlowEvery = 20;  // of a drill's slow calls: 5 %, well over what a p99 looks at

std::unique_ptr<tickmlp_recorder> empty_recorder() {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  return recorder;
}

// The golden vectors whose inputs all lie inside the calibrated range (some are there to lie outside), or all of them
// where none does.
std::vector<const float*> usual_states(const Model& model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session session = open_session(model);
  const float *inputs = nullptr, *outputs = nullptr;
  std::vector<const float*> all, usual;
  std::vector<float> output(info.outputs);
  for (std::uint32_t i = 0, count = tickmlp_model_golden(model.get(), &inputs, &outputs); i < count; ++i) {
    all.push_back(inputs + std::size_t{i} * info.inputs);
    tickmlp_counters before{}, after{};
    tickmlp_session_counters(session.get(), &before);
    tickmlp_infer(session.get(), all.back(), info.inputs, output.data(), output.size());
    tickmlp_session_counters(session.get(), &after);
    if (after.clipped == before.clipped) usual.push_back(all.back());
  }
  return usual.empty() ? all : usual;
}

}  // namespace

HotThread::HotThread(const Model& model, const MonitorOptions& options, int core, const tickmlp_clock& clock,
                     tickmlp_shadow* shadow)
    : info_(*tickmlp_model_describe(model.get())),
      options_(options),
      core_(core),
      clock_(clock),
      shadow_(shadow),
      states_(usual_states(model)),
      drilled_(info_.inputs),
      output_(info_.outputs),
      session_(open_session(model)),
      full_(empty_recorder()) {
  tickmlp_monitor_source source{};
  source.model = model.get();
  source.core = core;
  source.recorder = full_.get();
  source.session = session_.get();
  source.path = "full";
  sources_.push_back(source);
  if (info_.window_rows != 0) {
    window_ = open_window(model);
    tick_ = empty_recorder();
    tickmlp_window_reset(window_.get(), states_[0], info_.inputs);
    source.recorder = tick_.get();
    source.session = nullptr;
    source.window = window_.get();
    source.path = "tick";
    sources_.push_back(source);
  }
  thread_ = std::thread([this] { run(); });
  state_.wait(kStarting);
  if (pinned_ == TICKMLP_OK) return;
  thread_.join();
  fail("cannot pin the hot thread", pinned_, error_);
}

HotThread::~HotThread() {
  state_ = kStopping;
  if (thread_.joinable()) thread_.join();
}

// Asleep between calls, so that a demonstration leaves its core to others. A trading process would spin, and its calls
// would find their memory nearer.
void HotThread::run() {
  pinned_ = tickmlp_pin_thread(core_, &error_);
  state_ = kRunning;
  state_.notify_one();
  if (pinned_ != TICKMLP_OK) return;
  const std::chrono::nanoseconds gap(1'000'000'000 / options_.rate);
  auto next = std::chrono::steady_clock::now();
  for (std::uint64_t number = 0; state_ == kRunning; ++number) {
    call(number);
    next = std::max(next + gap, std::chrono::steady_clock::now());  // what a stall has missed is not made up for
    std::this_thread::sleep_until(next);
  }
}

void HotThread::call(std::uint64_t number) {
  const float* state = states_[number / 2 % states_.size()];
  const std::uint64_t place = number / 2 % 100;  // within a hundred calls of one path, since paths take turns
  const bool refused = place < options_.refuse_percent, clipped = place >= 100 - options_.clip_percent;
  if (refused || clipped) {
    drilled_.assign(state, state + info_.inputs);
    if (clipped) drilled_.back() = 1e9f;
    if (refused) drilled_.back() = NAN;
    state = drilled_.data();
  }
  const std::uint64_t begin = tickmlp_clock_begin();
  const bool ticks = window_ != nullptr && number % 2 != 0;
  tickmlp_status answered = TICKMLP_NON_FINITE_INPUT;  // a tick is no whole question
  if (ticks) {
    const float* row = state + info_.inputs - info_.window_columns;
    tickmlp_window_tick(window_.get(), row, info_.window_columns, output_.data(), output_.size());
  } else {
    answered = tickmlp_infer(session_.get(), state, info_.inputs, output_.data(), output_.size());
  }
  if (options_.slow_ns > 0 && number / 2 % kSlowEvery == 0)
    std::this_thread::sleep_for(std::chrono::duration<double, std::nano>(options_.slow_ns));
  const std::uint64_t end = tickmlp_clock_end();
  if (end >= begin) tickmlp_recorder_record(ticks ? tick_.get() : full_.get(), tickmlp_clock_ns(&clock_, end - begin));
  if (answered == TICKMLP_OK) tickmlp_shadow_offer(shadow_, state, output_.data());
}

}  // namespace tickmlp::bench
