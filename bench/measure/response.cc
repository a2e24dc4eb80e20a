// SPDX-License-Identifier: Apache-2.0
#include "measure/response.h"

#include <array>
#include <memory>

namespace tickmlp::bench {
namespace {

constexpr int kStretches = 9;
constexpr std::uint64_t kStretchCalls = 1024, kTrialCalls = 4;
constexpr double kStretchNs = 10e6;
constexpr int kRounds = 10'000;

double per_second(std::uint64_t count, std::uint64_t ticks, const tickmlp_clock& clock) {
  return ticks == 0 ? 0 : static_cast<double>(count) * 1e9 / (static_cast<double>(ticks) * clock.ns_per_tick);
}

std::unique_ptr<tickmlp_recorder> empty_recorder() {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  return recorder;
}

}  // namespace

std::uint64_t late_after_ticks(const tickmlp_clock& clock) {
  const auto rounds = empty_recorder();
  std::uint64_t last = tickmlp_clock_begin();
  for (int i = 0; i < kRounds && g_interrupt_signal == 0; ++i) {
    const std::uint64_t now = tickmlp_clock_begin();
    if (now >= last) tickmlp_recorder_record(rounds.get(), now - last);  // ticks, not ns
    last = now;
  }
  const double step = static_cast<double>(clock.step_ns) / clock.ns_per_tick;
  return static_cast<std::uint64_t>(step) + 1 + tickmlp_recorder_percentile(rounds.get(), 99, 100);
}

template <class Work>
double measure_capacity(const tickmlp_clock& clock, OnError on_error, Work* work, CallCounts* counts) {
  CpuTime time;
  const auto recorder = empty_recorder();
  CallCounts trial;
  bool going = run_back_to_back(kTrialCalls, clock, on_error, work, &time, recorder.get(), &trial);
  counts->add(trial);
  const double call_ns = 1e9 / std::max(1.0, per_second(trial.calls, trial.ticks, clock));
  const auto calls = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(kStretchNs / call_ns), 1, kStretchCalls);
  std::array<double, kStretches> rates{};
  for (double& rate : rates) {
    CallCounts stretch;
    going = going && run_back_to_back(calls, clock, on_error, work, &time, recorder.get(), &stretch);
    counts->add(stretch);
    rate = per_second(stretch.calls, stretch.ticks, clock);
  }
  std::nth_element(rates.begin(), rates.begin() + kStretches / 2, rates.end());
  return going ? rates[kStretches / 2] : 0;
}

template <class Work>
Response measure_response(const tickmlp_clock& clock, const ResponsePlan& plan, Work* work, tickmlp_recorder* recorder,
                          BlockWatch* watch) {
  Response response;
  const Schedule schedule(plan.arrivals, plan.per_second, plan.samples, clock.ns_per_tick, plan.seed);
  const auto block = empty_recorder();
  const std::uint64_t late_after = late_after_ticks(clock);
  response.late_after_ns = tickmlp_clock_ns(&clock, late_after);
  response.capacity_per_s = measure_capacity(clock, OnError::kStop, work, &response.calls);
  if (response.capacity_per_s == 0) return response;
  response.saturated = plan.per_second > kMostLoad * response.capacity_per_s;
  response.complete = true;
  if (response.saturated) return response;

  CpuTime time;
  PacedCounts counts;
  if (watch != nullptr) watch->begin_chunk();
  ScheduleCursor cursor(time.now());
  response.complete = run_paced(plan.samples, schedule, late_after, clock, OnError::kStop, &cursor, work, &time,
                                block.get(), &counts, watch != nullptr ? watch->worst : nullptr);
  if (watch != nullptr) watch->end_chunk(), watch->backwards += counts.of.backwards;
  response.calls = counts.of;
  response.saturated = response.complete && counts.never_drained();
  response.offered_per_s = per_second(counts.of.calls, counts.planned_ticks, clock);
  response.achieved_per_s = per_second(counts.of.calls, counts.of.ticks, clock);
  response.planned_misses = counts.planned_misses;
  response.largest_lateness_ns = tickmlp_clock_ns(&clock, counts.largest_lateness);
  if (counts.of.calls != 0)
    response.mean_lateness_ns =
        static_cast<double>(counts.lateness) * clock.ns_per_tick / static_cast<double>(counts.of.calls);
  if (!response.saturated) tickmlp_recorder_merge(recorder, block.get());
  return response;
}

template double measure_capacity(const tickmlp_clock&, OnError, FullWork*, CallCounts*);
template double measure_capacity(const tickmlp_clock&, OnError, TickWork*, CallCounts*);
template Response measure_response(const tickmlp_clock&, const ResponsePlan&, FullWork*, tickmlp_recorder*,
                                   BlockWatch*);
template Response measure_response(const tickmlp_clock&, const ResponsePlan&, TickWork*, tickmlp_recorder*,
                                   BlockWatch*);

}  // namespace tickmlp::bench
