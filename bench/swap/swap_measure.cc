// SPDX-License-Identifier: Apache-2.0
// The reader of `tickmlp swap`: blocks of calls with and without publications, in turns.
#include <chrono>
#include <cstring>
#include <memory>

#include "cli.h"
#include "model.h"
#include "progress.h"
#include "swap/publisher.h"

namespace tickmlp::bench {
namespace {

using Steady = std::chrono::steady_clock;

struct SwapFree {
  void operator()(tickmlp_swap* swap) const { tickmlp_swap_free(swap); }
};
using Slot = std::unique_ptr<tickmlp_swap, SwapFree>;

Slot open_slot(const SwapOptions& options) {
  tickmlp_model* first = load_for_slot(options);
  tickmlp_swap* slot = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_swap_create(first, nullptr, &slot, &error);
  if (status == TICKMLP_OK) return Slot(slot);
  tickmlp_model_free(first);
  fail("cannot make a slot", status, error);
}

// The thread that reads, its states and what it has to answer: the bits are the same for every publication.
class Reader {
 public:
  Reader(tickmlp_swap* slot, const Model& model, const tickmlp_clock& clock)
      : info_(*tickmlp_model_describe(model.get())), clock_(clock), output_(info_.outputs) {
    states_ = tickmlp_model_golden(model.get(), &inputs_, &golden_);
    tickmlp_error error{};
    const tickmlp_status status = tickmlp_reader_create(slot, nullptr, "reader", &reader_, &error);
    if (status != TICKMLP_OK) fail("cannot make a reader", status, error);
    held_ = tickmlp_reader_take(reader_);
  }
  Reader(const Reader&) = delete;

  enum class Kind { kPlain, kFull, kTick };

  // Calls for `length`; those that met a new model are in `epoch` and, alone, in `first`.
  template <Kind kKind>
  void block(std::chrono::milliseconds length, tickmlp_session* plain, tickmlp_recorder* epoch, tickmlp_recorder* first,
             SwapMeasurement* result) {
    const auto end = Steady::now() + length;
    while (Steady::now() < end && g_interrupt_signal == 0)
      for (int i = 0; i < 100; ++i) call<kKind>(plain, epoch, first, result);
  }

  // Nanoseconds of a take while nothing is published, in groups, since one is below the clock's step.
  double time_take() {
    constexpr int kGroups = 2'000, kTakes = 1'000;
    tickmlp_recorder groups;
    tickmlp_recorder_reset(&groups);
    for (int group = 0; group < kGroups; ++group) {
      const std::uint64_t begin = tickmlp_clock_begin();
      for (int i = 0; i < kTakes; ++i) tickmlp_reader_take(reader_);
      const std::uint64_t end = tickmlp_clock_end();
      tickmlp_recorder_record(&groups, tickmlp_clock_ns(&clock_, end - begin));
    }
    return tickmlp_recorder_central(&groups) / kTakes;
  }

 private:
  // A host takes at the begin of a call. What it has to do for a new model is in the call's time.
  template <Kind kKind>
  void call(tickmlp_session* plain, tickmlp_recorder* epoch, tickmlp_recorder* first, SwapMeasurement* result) {
    // Ticks of one window: its older rows stay, so the row is always that of the first state.
    const std::uint64_t state = kKind == Kind::kTick ? 0 : turn_++ % states_;
    const float* input = inputs_ + state * info_.inputs;
    for (std::uint32_t i = 0; i < info_.inputs; i += 16)
      static_cast<void>(*static_cast<const volatile float*>(input + i));
    const std::uint64_t begin = tickmlp_clock_begin();
    const tickmlp_held* const last = held_;
    if constexpr (kKind == Kind::kPlain) {
      tickmlp_infer(plain, input, info_.inputs, output_.data(), output_.size());
    } else {
      held_ = tickmlp_reader_take(reader_);
      if constexpr (kKind == Kind::kFull) {
        tickmlp_infer(held_->session, input, info_.inputs, output_.data(), output_.size());
      } else {
        if (held_->number != ready_) tickmlp_window_reset(held_->window, input, info_.inputs);
        ready_ = held_->number;
        tickmlp_window_tick(held_->window, input + info_.inputs - info_.window_columns, info_.window_columns,
                            output_.data(), output_.size());
      }
    }
    const std::uint64_t ns = tickmlp_clock_ns(&clock_, tickmlp_clock_end() - begin);
    tickmlp_recorder_record(epoch, ns);
    if (held_ != last) tickmlp_recorder_record(first, ns);
    result->compared += 1;
    result->wrong += std::memcmp(output_.data(), golden_ + state * info_.outputs, output_.size() * sizeof(float)) != 0;
  }

  const tickmlp_model_info& info_;
  const tickmlp_clock& clock_;
  const float *inputs_ = nullptr, *golden_ = nullptr;
  std::uint64_t states_ = 0, turn_ = 0;
  std::vector<float> output_;
  tickmlp_reader* reader_ = nullptr;  // freed with the slot
  const tickmlp_held* held_ = nullptr;
  std::uint64_t ready_ = 0;  // the publication whose window has been reset
};

}  // namespace

SwapMeasurement measure_swaps(const SwapOptions& options, const tickmlp_clock& clock) {
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session plain = open_session(model);
  const Slot slot = open_slot(options);
  SwapMeasurement result;
  result.rows.emplace_back("full");
  if (info.window_rows != 0) result.rows.emplace_back("tick");
  for (tickmlp_recorder* recorder :
       {&result.plain, &result.first_full, &result.first_tick, &result.load, &result.publish, &result.select})
    tickmlp_recorder_reset(recorder);
  Reader reader(slot.get(), model, clock);
  Publisher publisher(slot.get(), options, clock);
  const std::chrono::milliseconds length(options.block_ms);
  ProgressBar bar("swap");
  for (std::uint64_t epoch = 0; epoch < options.epochs && g_interrupt_signal == 0; ++epoch) {
    for (TwoWays& row : result.rows) row.begin_epoch();
    reader.block<Reader::Kind::kPlain>(length, plain.get(), &result.plain, &result.plain, &result);
    for (int turn = 0; turn < 2; ++turn) {
      const bool swapping = (turn == 0) == (epoch % 2 == 0);  // first and second in turns
      if (swapping) publisher.begin();
      reader.block<Reader::Kind::kFull>(length, nullptr, &result.rows[0].block[swapping], &result.first_full, &result);
      if (result.rows.size() > 1)
        reader.block<Reader::Kind::kTick>(length, nullptr, &result.rows[1].block[swapping], &result.first_tick,
                                          &result);
      if (swapping) publisher.end();
    }
    if (g_interrupt_signal != 0) break;
    for (TwoWays& row : result.rows) row.end_epoch();
    result.epochs += 1;
    bar.show(static_cast<double>(epoch + 1) / static_cast<double>(options.epochs));
  }
  publisher.add_to(&result);
  result.take_ns = reader.time_take();
  return result;
}

}  // namespace tickmlp::bench
