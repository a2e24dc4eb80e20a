// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "cli.h"
#include "stability.h"

namespace tickmlp::bench {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Faults and switches of this thread while it lives, added to the measurement.
class UsageWatch {
 public:
  explicit UsageWatch(Measurement* result) : result_(result) { getrusage(RUSAGE_THREAD, &before_); }
  ~UsageWatch() {
    rusage after{};
    getrusage(RUSAGE_THREAD, &after);
    const long faults = after.ru_minflt - before_.ru_minflt + after.ru_majflt - before_.ru_majflt;
    result_->page_faults += static_cast<std::uint64_t>(faults);
    result_->involuntary_switches += static_cast<std::uint64_t>(after.ru_nivcsw - before_.ru_nivcsw);
  }
  UsageWatch(const UsageWatch&) = delete;
  UsageWatch& operator=(const UsageWatch&) = delete;

 private:
  Measurement* result_;
  rusage before_{};
};

// The kinds of timed region. prepare() runs before the clock is read, timed() between the readings.
struct TimerWork {
  void prepare() {}
  void timed() {}
};

struct MemoryWork {
  const Subject& subject;
  void prepare() {}
  void timed() { subject.memory_floor(subject.model->weights, subject.model->weight_bytes); }
};

// The state's cache lines are read before the clock is: whoever computes features has just written them. They are
// read and not copied, since a kernel would wait for stores that are still on their way to the cache.
struct FullWork {
  const Subject& subject;
  std::vector<float> output;
  const float* state = nullptr;
  std::uint64_t next = 0;
  tickmlp_status status = TICKMLP_OK;

  explicit FullWork(const Subject& of) : subject(of), output(of.model->outputs) {}
  void prepare() {
    state = subject.states + next * subject.model->inputs;
    next = next + 1 == subject.count ? 0 : next + 1;
    for (std::uint32_t i = 0; i < subject.model->inputs; i += 16) {
      const float touched = *static_cast<const volatile float*>(state + i);
      static_cast<void>(touched);
    }
  }
  void timed() { status = tickmlp_infer(subject.session, state, subject.model->inputs, output.data(), output.size()); }
};

// The window holds the first state's older rows; the newest row of each state in turn is ticked.
struct TickWork {
  const Subject& subject;
  std::vector<float> output;
  const float* row = nullptr;
  std::uint64_t next = 0;
  tickmlp_status status = TICKMLP_OK;

  explicit TickWork(const Subject& of) : subject(of), output(of.model->outputs) {
    if (of.window != nullptr) status = tickmlp_window_reset(of.window, of.states, of.model->inputs);
  }
  void prepare() {
    row = subject.states + (next + 1) * subject.model->inputs - subject.model->window_columns;
    next = next + 1 == subject.count ? 0 : next + 1;
    const float touched = *static_cast<const volatile float*>(row) +
                          *static_cast<const volatile float*>(row + subject.model->window_columns - 1);
    static_cast<void>(touched);
  }
  void timed() {
    status = tickmlp_window_tick(subject.window, row, subject.model->window_columns, output.data(), output.size());
  }
};

template <class Work>
void warm(Work* work, std::uint64_t calls, double most_seconds) {
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < calls && g_interrupt_signal == 0; ++i) {
    if (most_seconds > 0 && i % 64 == 63 && seconds_since(start) > most_seconds) return;
    work->prepare();
    work->timed();
  }
}

bool failed(const FullWork& work) { return work.status != TICKMLP_OK; }
bool failed(const TickWork& work) { return work.status != TICKMLP_OK; }
template <class Work>
bool failed(const Work&) {
  return false;
}

// One block: `samples` timed regions into `recorder`. False when it was interrupted or a call failed.
template <class Work>
bool time_block(const Subject& subject, Work* work, std::uint64_t samples, tickmlp_recorder* recorder,
                const std::function<void(std::uint64_t)>& chunk_done, Measurement* result) {
  const tickmlp_clock clock = subject.clock;
  for (std::uint64_t done = 0; done < samples;) {
    const std::uint64_t chunk = std::min(kChunk, samples - done);
    {
      const UsageWatch watch(result);
      warm(work, kChunkWarmUp, 0);
      for (std::uint64_t i = 0; i < chunk; ++i) {
        work->prepare();
        const std::uint64_t begin = tickmlp_clock_begin();
        work->timed();
        const std::uint64_t end = tickmlp_clock_end();
        if (end >= begin) tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, end - begin));
        else result->backwards += 1;
        if (failed(*work) || g_interrupt_signal != 0) return false;
      }
    }
    done += chunk;
    chunk_done(chunk);
  }
  return true;
}

// The share of `total` that falls to one of `parts`; the first ones take the remainder.
std::uint64_t share(std::uint64_t total, std::uint64_t parts, std::uint64_t part) {
  return total / parts + (part < total % parts ? 1 : 0);
}

}  // namespace

Measurement::Measurement() {
  for (tickmlp_recorder* recorder : {&timer.recorder, &memory.recorder, &full.recorder, &tick.recorder, &jitter})
    tickmlp_recorder_reset(recorder);
}

void measure(const Subject& subject, const Plan& plan, const std::function<void(double)>& progress,
             Measurement* result) {
  const auto start = std::chrono::steady_clock::now();
  TimerWork timer;
  MemoryWork memory{subject};
  FullWork full(subject);
  TickWork tick(subject);
  const std::uint64_t kinds = subject.window != nullptr ? 4 : 3;
  for (Series* series : {&result->timer, &result->memory, &result->full, &result->tick})
    series->epoch_central_ns.reserve(plan.epochs);
  result->fixed_work_ns.reserve(plan.epochs);
  warm(&memory, plan.warm_up, plan.warm_up_seconds);
  warm(&full, plan.warm_up, plan.warm_up_seconds);
  if (subject.window != nullptr) warm(&tick, plan.warm_up, plan.warm_up_seconds);

  watch_jitter(subject.clock, kJitterSeconds, &result->jitter);

  std::uint64_t done = 0;
  const auto chunk_done = [&](std::uint64_t samples) {
    done += samples;
    progress(static_cast<double>(done) / (static_cast<double>(kinds) * static_cast<double>(plan.samples)));
  };
  tickmlp_recorder epoch;
  const auto block = [&](auto* work, Series* series, std::uint64_t samples) {
    tickmlp_recorder_reset(&epoch);
    const bool whole = time_block(subject, work, samples, &epoch, chunk_done, result);
    tickmlp_recorder_merge(&series->recorder, &epoch);
    if (whole) series->epoch_central_ns.push_back(tickmlp_recorder_central(&epoch));
    return whole;
  };
  bool going = g_interrupt_signal == 0;
  for (std::uint64_t i = 0; going && i < plan.epochs; ++i) {
    const std::uint64_t samples = share(plan.samples, plan.epochs, i);
    for (std::uint64_t kind = i; going && kind < i + kinds; ++kind) {  // the order turns, so that none is always first
      if (kind % kinds == 0) going = block(&timer, &result->timer, samples);
      else if (kind % kinds == 1) going = block(&memory, &result->memory, samples);
      else if (kind % kinds == 2) going = block(&full, &result->full, samples);
      else going = block(&tick, &result->tick, samples);
    }
    if (!going) break;
    result->fixed_work_ns.push_back(time_fixed_work(subject.clock));
    result->epochs += 1;
  }
  watch_jitter(subject.clock, kJitterSeconds, &result->jitter);
  result->status = full.status != TICKMLP_OK ? full.status : tick.status;
  result->complete = going;
  result->seconds = seconds_since(start);
}

}  // namespace tickmlp::bench
