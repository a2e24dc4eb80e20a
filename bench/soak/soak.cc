// SPDX-License-Identifier: Apache-2.0
#include "soak/soak.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "measure/response.h"
#include "measure/subject.h"
#include "measure/usage.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kSlice = 256;       // calls between two looks at the clock, back to back
constexpr double kSliceSeconds = 0.01;      // and of a plan
constexpr std::size_t kArrivals = 1 << 16;  // planned arrivals before they repeat: half a megabyte
constexpr std::uint64_t kSeed = 1;

class Soak {
 public:
  Soak(const Subject& subject, const SoakHooks& hooks, SoakResult* result)
      : clock_(subject.clock),
        plan_(result->plan),
        hooks_(hooks),
        result_(result),
        watch_(plan_.budgets, plan_.per_second) {
    // All of one length: a short last one would lack percentiles that the others have.
    const auto intervals = static_cast<std::size_t>(std::ceil(plan_.seconds / plan_.interval_seconds - 1e-9));
    result->intervals.resize(std::clamp<std::size_t>(intervals, 1, kMostIntervals));  // touches its pages now
    result->interval_seconds = plan_.seconds / static_cast<double>(result->intervals.size());
    for (SoakInterval& interval : result->intervals) tickmlp_recorder_reset(&interval.recorder);
    for (tickmlp_recorder* recorder : {running_.get(), before_.get()}) tickmlp_recorder_reset(recorder);
  }

  template <class Work>
  void run(Work* work) {
    std::size_t done = 0;
    if (prepare(work)) {
      usage_ = usage_of_thread();
      start_ = time_.now();
      if (cursor_) *cursor_ = ScheduleCursor(start_);
      bool going = true;
      while (going && done < result_->intervals.size()) going = run_interval(work, done++);
      result_->complete = going;
      result_->seconds = seconds_since_start();
    }
    result_->intervals.resize(done);
    result_->interrupt_signal = g_interrupt_signal;
    if (result_->calls.errors != 0) result_->first_error = tickmlp_status_name(result_->calls.first_error);
  }

 private:
  double seconds(std::uint64_t ticks) const { return static_cast<double>(ticks) * clock_.ns_per_tick * 1e-9; }
  double seconds_since_start() { return seconds(time_.now() - start_); }

  // Capacity and plan. False: saturated or interrupted.
  template <class Work>
  bool prepare(Work* work) {
    CallCounts counts;
    result_->capacity_per_s = measure_capacity(clock_, OnError::kCount, work, &counts);  // a warm-up in any case
    if (g_interrupt_signal != 0) return false;
    if (plan_.per_second == 0) return true;
    result_->saturated = plan_.per_second > kMostLoad * result_->capacity_per_s;
    result_->complete = result_->saturated;
    if (result_->saturated) {
      result_->alerts.push_back(nothing_run_alert(plan_.per_second, result_->capacity_per_s));
      hooks_.alerted(result_->alerts.back());
      return false;
    }
    schedule_.emplace(plan_.arrivals, plan_.per_second, kArrivals, clock_.ns_per_tick, kSeed);
    cursor_.emplace(0);
    late_after_ = late_after_ticks(clock_);
    slice_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(plan_.per_second * kSliceSeconds));
    return true;
  }

  template <class Work>
  bool slice(Work* work, PacedCounts* counts) {
    if (schedule_)
      return run_paced(slice_, *schedule_, late_after_, clock_, OnError::kCount, &*cursor_, work, &time_,
                       running_.get(), counts);
    return run_back_to_back(slice_, clock_, OnError::kCount, work, &time_, running_.get(), &counts->of);
  }

  // What no user would have waited for: the plan's clock stands still meanwhile, and its faults are not the calls'.
  template <class Act>
  void aside(Act act) {
    const std::uint64_t begin = time_.now();
    const Usage used = usage_of_thread() - usage_;
    used_.page_faults += used.page_faults;
    used_.involuntary_switches += used.involuntary_switches;
    act();
    usage_ = usage_of_thread();
    if (cursor_) cursor_->pause(time_.now() - begin);
  }

  template <class Work>
  bool run_interval(Work* work, std::size_t index) {
    SoakInterval& interval = result_->intervals[index];
    const double end = std::min(plan_.seconds, static_cast<double>(index + 1) * result_->interval_seconds);
    const double begin = seconds_since_start();
    PacedCounts counts;
    bool going = true;
    do {
      going = slice(work, &counts);
      aside([&] { hooks_.progress(std::min(1.0, seconds_since_start() / plan_.seconds)); });
    } while (going && seconds_since_start() < end);
    interval.begin_s = as_written(begin);
    interval.seconds = as_written(seconds_since_start() - begin);
    aside([&] {
      finish(counts, &interval, index);
      for (std::uint64_t i = 0; i < kChunkWarmUp && going; ++i) work->prepare(), work->timed();
    });
    return going;
  }

  void finish(const PacedCounts& counts, SoakInterval* interval, std::size_t index) {
    interval->calls = counts.of.calls;
    interval->errors = counts.of.errors;
    interval->planned_misses = counts.planned_misses;
    interval->saturated = counts.never_drained();
    if (!interval->saturated) keep_difference(&interval->recorder);
    *before_ = *running_;
    interval->page_faults = std::exchange(used_.page_faults, 0);
    interval->involuntary_switches = std::exchange(used_.involuntary_switches, 0);
    interval->resident_kb = memory_.resident_kb();
    interval->locked_kb = memory_.locked_kb();
    result_->calls.add(counts.of);
    for (SoakAlert& alert : watch_.judge(*interval, index)) {
      hooks_.alerted(alert);
      result_->alerts.push_back(std::move(alert));
    }
    hooks_.between_intervals();
  }

  // Through the form that is kept as evidence, so that an alert and the certificate give the same figures.
  void keep_difference(tickmlp_recorder* interval) {
    *interval = *running_;
    if (tickmlp_recorder_subtract(interval, before_.get()) != TICKMLP_OK) refuse("a recorder lost samples in the soak");
    const Histogram kept = histogram_of(*interval);
    tickmlp_recorder_reset(interval);
    add_to(kept, interval);
  }

  static double as_written(double value) { return std::round(value * 1e4) / 1e4; }

  const tickmlp_clock clock_;
  const SoakPlan& plan_;
  const SoakHooks& hooks_;
  SoakResult* result_;
  AlertWatch watch_;
  ProcessMemory memory_;
  CpuTime time_;
  std::optional<Schedule> schedule_;
  std::optional<ScheduleCursor> cursor_;
  std::uint64_t late_after_ = 0, slice_ = kSlice, start_ = 0;
  Usage usage_, used_;  // at the end of the last aside; of the interval
  // One recorder for the whole time, as a host keeps one; intervals are differences of its copies.
  std::unique_ptr<tickmlp_recorder> running_ = std::make_unique<tickmlp_recorder>();
  std::unique_ptr<tickmlp_recorder> before_ = std::make_unique<tickmlp_recorder>();
};

}  // namespace

std::size_t SoakResult::critical_alerts() const {
  const auto critical = [](const SoakAlert& alert) { return alert.critical && alert.state == "raised"; };
  return static_cast<std::size_t>(std::count_if(alerts.begin(), alerts.end(), critical));
}

SoakResult soak(const Subject& subject, const SoakPlan& plan, const SoakHooks& hooks) {
  SoakResult result;
  result.plan = plan;
  Soak run(subject, hooks, &result);
  if (!plan.tick) {
    FullWork work(subject);
    run.run(&work);
    return result;
  }
  TickWork work(subject);
  if (work.status != TICKMLP_OK)
    refuse(std::string("cannot fill the window with the first state: ") + tickmlp_status_name(work.status));
  run.run(&work);
  return result;
}

}  // namespace tickmlp::bench
