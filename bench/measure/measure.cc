// SPDX-License-Identifier: Apache-2.0
#include "measure/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include "cli.h"
#include "measure/cold.h"
#include "audit/stability.h"
#include "measure/timed_work.h"

namespace tickmlp::bench {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Faults and switches of this thread while it lives, added to two counters.
class UsageWatch {
 public:
  UsageWatch(std::uint64_t* page_faults, std::uint64_t* involuntary_switches)
      : page_faults_(page_faults), involuntary_switches_(involuntary_switches) {
    getrusage(RUSAGE_THREAD, &before_);
  }
  ~UsageWatch() {
    rusage after{};
    getrusage(RUSAGE_THREAD, &after);
    const long faults = after.ru_minflt - before_.ru_minflt + after.ru_majflt - before_.ru_majflt;
    *page_faults_ += static_cast<std::uint64_t>(faults);
    *involuntary_switches_ += static_cast<std::uint64_t>(after.ru_nivcsw - before_.ru_nivcsw);
  }
  UsageWatch(const UsageWatch&) = delete;
  UsageWatch& operator=(const UsageWatch&) = delete;

 private:
  std::uint64_t *page_faults_, *involuntary_switches_;
  rusage before_{};
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

// One block: `samples` timed regions into `recorder`. False when it was interrupted or a call failed.
template <class Work>
bool time_block(const Subject& subject, Work* work, std::uint64_t samples, tickmlp_recorder* recorder,
                const std::function<void(std::uint64_t)>& chunk_done, Measurement* result) {
  const tickmlp_clock clock = subject.clock;
  for (std::uint64_t done = 0; done < samples;) {
    const std::uint64_t chunk = std::min(kChunk, samples - done);
    {
      const UsageWatch watch(&result->page_faults, &result->involuntary_switches);
      warm(work, kChunkWarmUp, 0);
      for (std::uint64_t i = 0; i < chunk; ++i) {
        work->prepare();
        const std::uint64_t begin = tickmlp_clock_begin();
        work->timed();
        const std::uint64_t end = tickmlp_clock_end();
        if (end >= begin) tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, end - begin));
        else result->backwards += 1;
        if (work->status != TICKMLP_OK || g_interrupt_signal != 0) return false;
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

// What takes its turn in each epoch: a share of its samples goes into a recorder of the epoch.
struct Kind {
  Series* series;
  std::uint64_t samples;
  std::function<bool(std::uint64_t samples, tickmlp_recorder* epoch)> block;
};

bool run_block(const Kind& kind, std::uint64_t epochs, std::uint64_t epoch) {
  tickmlp_recorder recorder;
  tickmlp_recorder_reset(&recorder);
  const bool whole = kind.block(share(kind.samples, epochs, epoch), &recorder);
  tickmlp_recorder_merge(&kind.series->recorder, &recorder);
  if (whole && recorder.count != 0) kind.series->epoch_central_ns.push_back(tickmlp_recorder_central(&recorder));
  return whole;
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
  warm(&memory, plan.warm_up, plan.warm_up_seconds);
  warm(&full, plan.warm_up, plan.warm_up_seconds);
  if (subject.window != nullptr) warm(&tick, plan.warm_up, plan.warm_up_seconds);
  watch_jitter(subject.clock, kJitterSeconds, &result->jitter);

  std::vector<Kind> kinds;
  double total = 0, done = 0;
  const auto add_kind = [&](Series* series, std::uint64_t samples, double us_each, auto block) {
    series->epoch_central_ns.reserve(plan.epochs);
    kinds.push_back({series, samples, block});
    total += static_cast<double>(samples) * us_each;
  };
  const auto add_hot = [&](auto* work, Series* series) {
    add_kind(series, plan.samples, 1, [&, work](std::uint64_t samples, tickmlp_recorder* epoch) {
      const auto chunk_done = [&](std::uint64_t chunk) { progress((done += static_cast<double>(chunk)) / total); };
      return time_block(subject, work, samples, epoch, chunk_done, result);
    });
  };
  add_hot(&timer, &result->timer);
  add_hot(&memory, &result->memory);
  add_hot(&full, &result->full);
  if (subject.window != nullptr) add_hot(&tick, &result->tick);

  ColdCaches caches(subject, plan.scenarios);
  result->cold = caches.empty_series();
  for (ColdSeries& cold : result->cold) {
    const double ns_each = caches.ns_each(cold.scenario);
    add_kind(&cold.series, caches.samples(cold.scenario, plan.samples), ns_each / 1000,
             [&, ns_each](std::uint64_t samples, tickmlp_recorder* epoch) {
               const UsageWatch watch(&cold.page_faults, &cold.involuntary_switches);
               const auto sample_done = [&] { progress((done += ns_each / 1000) / total); };
               const auto timed = [&](auto* work) {
                 warm(work, kChunkWarmUp, 0);
                 return caches.time_block(work, cold.scenario, samples, epoch, sample_done, &result->backwards);
               };
               return cold.tick ? timed(&tick) : timed(&full);
             });
  }

  result->fixed_work_ns.reserve(plan.epochs);
  bool going = g_interrupt_signal == 0;
  for (std::uint64_t i = 0; going && i < plan.epochs; ++i) {
    for (std::uint64_t k = i; going && k < i + kinds.size(); ++k)  // the order turns, so that none is always first
      going = run_block(kinds[k % kinds.size()], plan.epochs, i);
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
