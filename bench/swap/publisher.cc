// SPDX-License-Identifier: Apache-2.0
#include "swap/publisher.h"

#include <algorithm>
#include <chrono>

#include "cli.h"
#include "model.h"

namespace tickmlp::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kPool = 16;  // 1.6 MB of weights for tactical int8: more than L2 holds, so that each comes back cold

tickmlp_status load(const SwapOptions& options, tickmlp_model** model, tickmlp_error* error) {
  tickmlp_load_options load_options{};
  load_options.kernel = options.kernel.empty() ? nullptr : options.kernel.c_str();
  return tickmlp_model_load(options.blob.c_str(), &load_options, model, error);
}

}  // namespace

tickmlp_model* load_for_slot(const SwapOptions& options) {
  tickmlp_model* model = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = load(options, &model, &error);
  if (status != TICKMLP_OK) fail("cannot load " + printable(options.blob), status, error);
  return model;
}

Publisher::Publisher(tickmlp_swap* slot, const SwapOptions& options, const tickmlp_clock& clock)
    : slot_(slot), options_(options), clock_(clock) {
  tickmlp_recorder_reset(&load_);
  tickmlp_recorder_reset(&publish_);
  tickmlp_recorder_reset(&select_);
  for (int i = 0; i < kPool && !options.load; ++i) {
    tickmlp_model* model = load_for_slot(options);
    pool_.push_back(nullptr);
    const tickmlp_status status = tickmlp_swap_preload(slot, model, &pool_.back(), &error_);
    if (status == TICKMLP_OK) continue;
    tickmlp_model_free(model);
    fail("cannot preload", status, error_);
  }
  thread_ = std::thread([this] { run(); });
  ready_.wait(0);
  if (pinned_ == TICKMLP_OK) return;
  thread_.join();
  fail("cannot pin the publisher", pinned_, error_);
}

Publisher::~Publisher() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Publisher::end() {
  active_ = false;
  while (busy_) std::this_thread::sleep_for(std::chrono::microseconds(100));
  if (!failure_.empty()) throw Failure{kRefused, failure_};
}

void Publisher::add_to(SwapMeasurement* result) const {
  tickmlp_recorder_merge(&result->load, &load_);
  tickmlp_recorder_merge(&result->publish, &publish_);
  tickmlp_recorder_merge(&result->select, &select_);
  result->publications += publications_;
  result->refused += refused_;
}

void Publisher::run() {
  pinned_ = tickmlp_pin_thread(options_.publisher_core, &error_);
  ready_ = 1;
  ready_.notify_one();
  if (pinned_ != TICKMLP_OK) return;
  const std::chrono::nanoseconds gap(1'000'000'000 / options_.rate);
  while (!stop_) {
    busy_ = true;
    for (auto next = Steady::now() + gap / 2; active_ && failure_.empty(); next = std::max(next + gap, Steady::now())) {
      std::this_thread::sleep_until(next);
      if (active_) publish_one();
    }
    busy_ = false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Publisher::publish_one() {
  if (options_.load) return load_and_publish();
  tickmlp_error error{};
  const std::uint64_t begin = tickmlp_clock_begin();
  const tickmlp_status status = tickmlp_swap_select(slot_, pool_[publications_ % kPool], &error);
  const std::uint64_t end = tickmlp_clock_end();
  if (status != TICKMLP_OK) {
    refused_ += 1;
    return;
  }
  publications_ += 1;
  tickmlp_recorder_record(&select_, tickmlp_clock_ns(&clock_, end - begin));
}

// The same generation again: a rollback that is meant.
void Publisher::load_and_publish() {
  tickmlp_model* model = nullptr;
  tickmlp_error error{};
  const std::uint64_t begin = tickmlp_clock_begin();
  const tickmlp_status loaded = load(options_, &model, &error);
  const std::uint64_t middle = tickmlp_clock_begin();
  if (loaded != TICKMLP_OK) {
    failure_ = std::string("cannot load the model again: ") + tickmlp_status_name(loaded) + ": " + error.message;
    return;
  }
  tickmlp_publish_options publish_options{};
  publish_options.rollback = 1;
  const tickmlp_status published = tickmlp_swap_publish(slot_, model, &publish_options, &error);
  const std::uint64_t end = tickmlp_clock_end();
  if (published != TICKMLP_OK) {
    tickmlp_model_free(model);
    refused_ += 1;
    if (published != TICKMLP_READER_STALLED) failure_ = std::string("cannot publish: ") + error.message;
    return;
  }
  publications_ += 1;
  tickmlp_recorder_record(&load_, tickmlp_clock_ns(&clock_, middle - begin));
  tickmlp_recorder_record(&publish_, tickmlp_clock_ns(&clock_, end - middle));
}

}  // namespace tickmlp::bench
