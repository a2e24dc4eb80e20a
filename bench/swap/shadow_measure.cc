// SPDX-License-Identifier: Apache-2.0
// The primary of `tickmlp shadow`: blocks of calls with and without a shadow, in turns.
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "cli.h"
#include "model.h"
#include "progress.h"
#include "swap/shadow.h"

namespace tickmlp::bench {
namespace {

using Steady = std::chrono::steady_clock;

struct ShadowFree {
  void operator()(tickmlp_shadow* shadow) const { tickmlp_shadow_free(shadow); }
};
using Shadow = std::unique_ptr<tickmlp_shadow, ShadowFree>;

Shadow open_shadow(const Model& primary, const Model& candidate, const ShadowOptions& options) {
  tickmlp_shadow_options given{};
  given.capacity = static_cast<std::uint32_t>(options.capacity);
  given.sample_every = static_cast<std::uint32_t>(options.sample_every);
  tickmlp_shadow* shadow = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_shadow_create(primary.get(), candidate.get(), &given, &shadow, &error);
  if (status != TICKMLP_OK) fail("cannot make the shadow", status, error);
  return Shadow(shadow);
}

// The other thread: spins while there is a shadow to serve, as a host's would on a core of its own, sleeps otherwise.
class Worker {
 public:
  Worker(tickmlp_shadow* shadow, int core) {
    thread_ = std::thread([this, shadow, core] {
      pinned_ = tickmlp_pin_thread(core, &error_);
      ready_ = 1;
      ready_.notify_one();
      while (!stop_ && pinned_ == TICKMLP_OK)
        if (tickmlp_shadow_work(shadow, 64) == 0 && !active_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    ready_.wait(0);
    if (pinned_ == TICKMLP_OK) return;
    thread_.join();
    fail("cannot pin the shadow", pinned_, error_);
  }
  ~Worker() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Worker(const Worker&) = delete;
  void set_active(bool active) { active_ = active; }

 private:
  tickmlp_status pinned_ = TICKMLP_OK;
  tickmlp_error error_{};
  std::atomic<bool> active_{false}, stop_{false};
  std::atomic<int> ready_{0};
  std::thread thread_;
};

class Primary {
 public:
  Primary(const Model& model, std::uint64_t gap_ns, const tickmlp_clock& clock)
      : gap_ns_(gap_ns),
        info_(*tickmlp_model_describe(model.get())),
        clock_(clock),
        output_(info_.outputs),
        session_(open_session(model)) {
    states_ = tickmlp_model_golden(model.get(), &inputs_, &golden_);
    if (info_.window_rows == 0) return;
    window_ = open_window(model);
    tickmlp_window_reset(window_.get(), inputs_, info_.inputs);
  }

  // Calls for `length`; a shadow (may be NULL) gets each when its answer is out, and the copy is timed by itself.
  void block(std::chrono::milliseconds length, bool ticks, tickmlp_shadow* shadow, tickmlp_recorder* calls,
             ShadowMeasurement* result) {
    const auto end = Steady::now() + length;
    while (Steady::now() < end && g_interrupt_signal == 0)
      for (int i = 0; i < 100; ++i) {
        const std::uint64_t begin = tickmlp_clock_begin();
        call(ticks, shadow, calls, result);
        while (tickmlp_clock_ns(&clock_, tickmlp_clock_begin() - begin) < gap_ns_) {
        }
      }
  }

 private:
  void call(bool ticks, tickmlp_shadow* shadow, tickmlp_recorder* calls, ShadowMeasurement* result) {
    const std::uint64_t state = ticks ? 0 : turn_++ % states_;  // ticks of one window, whose older rows stay
    const float* input = inputs_ + state * info_.inputs;
    for (std::uint32_t i = 0; i < info_.inputs; i += 16)
      static_cast<void>(*static_cast<const volatile float*>(input + i));
    const std::uint64_t begin = tickmlp_clock_begin();
    if (ticks)
      tickmlp_window_tick(window_.get(), input + info_.inputs - info_.window_columns, info_.window_columns,
                          output_.data(), output_.size());
    else tickmlp_infer(session_.get(), input, info_.inputs, output_.data(), output_.size());
    const std::uint64_t answered = tickmlp_clock_end();
    tickmlp_recorder_record(calls, tickmlp_clock_ns(&clock_, answered - begin));
    if (shadow != nullptr) {
      const std::uint64_t before = tickmlp_clock_begin();
      tickmlp_shadow_offer(shadow, input, output_.data());
      tickmlp_recorder_record(&result->offer, tickmlp_clock_ns(&clock_, tickmlp_clock_end() - before));
    }
    result->compared += 1;
    result->wrong += std::memcmp(output_.data(), golden_ + state * info_.outputs, output_.size() * sizeof(float)) != 0;
  }

  const std::uint64_t gap_ns_;
  const tickmlp_model_info& info_;
  const tickmlp_clock& clock_;
  const float *inputs_ = nullptr, *golden_ = nullptr;
  std::uint64_t states_ = 0, turn_ = 0;
  std::vector<float> output_;
  Session session_;
  Window window_;  // empty without one in the model
};

}  // namespace

ShadowMeasurement measure_shadow(const ShadowOptions& options, const tickmlp_clock& clock) {
  const Model model = load_model(options.blob, options.kernel);
  const Model candidate = load_model(options.candidate.empty() ? options.blob : options.candidate, "");
  const Shadow shadow = open_shadow(model, candidate, options);
  Primary primary(model, options.gap_ns, clock);
  Worker worker(shadow.get(), options.shadow_core);
  ShadowMeasurement result;
  result.rows.emplace_back("full");
  if (tickmlp_model_describe(model.get())->window_rows != 0) result.rows.emplace_back("tick");
  tickmlp_recorder_reset(&result.offer);
  const std::chrono::milliseconds length(options.block_ms);
  ProgressBar bar("shadow");
  for (std::uint64_t epoch = 0; epoch < options.epochs && g_interrupt_signal == 0; ++epoch) {
    for (TwoWays& row : result.rows) row.begin_epoch();
    for (int turn = 0; turn < 2; ++turn) {
      const bool watched = (turn == 0) == (epoch % 2 == 0);  // first and second in turns
      worker.set_active(watched);
      for (std::size_t i = 0; i < result.rows.size(); ++i)
        primary.block(length, i == 1, watched ? shadow.get() : nullptr, &result.rows[i].block[watched], &result);
      worker.set_active(false);
    }
    if (g_interrupt_signal != 0) break;
    for (TwoWays& row : result.rows) row.end_epoch();
    result.epochs += 1;
    bar.show(static_cast<double>(epoch + 1) / static_cast<double>(options.epochs));
  }
  tickmlp_shadow_read(shadow.get(), &result.figures);
  tickmlp_recorder_read(tickmlp_shadow_recorder(shadow.get()), &result.candidate);
  return result;
}

}  // namespace tickmlp::bench
