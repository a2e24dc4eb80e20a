// SPDX-License-Identifier: Apache-2.0
// Loops over calls: back to back, and paced by a schedule. Nothing in them allocates or makes a system call.
#ifndef TICKMLP_BENCH_PACING_H_
#define TICKMLP_BENCH_PACING_H_
#include <algorithm>
#include <cstdint>

#include "cli.h"
#include "measure/schedule.h"
#include "measure/worst.h"
#include "tickmlp.h"

namespace tickmlp::bench {

// What the loops read the time with; the tests bring a clock of their own.
struct CpuTime {
  std::uint64_t now() { return tickmlp_clock_begin(); }
};

enum class OnError { kStop, kCount };  // a call that fails ends the loop, or is counted and has no latency

// A sum over stretches: each loop adds to it.
struct CallCounts {
  std::uint64_t calls = 0;      // those that failed included
  std::uint64_t errors = 0;     // calls that failed; not recorded
  std::uint64_t backwards = 0;  // calls whose end was read below what it is counted from; not recorded
  tickmlp_status first_error = TICKMLP_OK;
  std::uint64_t ticks = 0;  // from begin to end, all between the calls included

  void add(const CallCounts& more) {
    calls += more.calls;
    errors += more.errors;
    backwards += more.backwards;
    if (first_error == TICKMLP_OK) first_error = more.first_error;
    ticks += more.ticks;
  }
};

// An arrival is a planned miss when its call began more than late_after ticks behind the plan. See late_after_ticks().
struct PacedCounts {
  CallCounts of;
  std::uint64_t planned_ticks = 0;                   // what the plan gave these arrivals
  std::uint64_t planned_misses = 0;                  // late_after_ticks() says which
  std::uint64_t on_time = 0;                         // calls up to the last one that began in time, itself included
  std::uint64_t largest_lateness = 0, lateness = 0;  // begin - planned arrival, ticks; the second is the sum
  std::uint64_t last_lateness = 0;                   // of the last call

  void add(const PacedCounts& more) {
    if (more.on_time != 0) on_time = of.calls + more.on_time;
    of.add(more.of);
    planned_ticks += more.planned_ticks;
    planned_misses += more.planned_misses;
    largest_lateness = std::max(largest_lateness, more.largest_lateness);
    lateness += more.lateness;
    if (more.of.calls != 0) last_lateness = more.last_lateness;
  }
  // A queue that had formed was still there: no call in the second half began in time, and at the end at least one more
  // arrival was due, so that the achieved rate is below the offered one.
  bool never_drained() const {
    return of.calls != 0 && on_time <= of.calls / 2 && last_lateness > planned_ticks / of.calls;
  }
};

// Notes how a call ended. False when that ends the loop.
template <class Work>
bool note(const Work& work, const tickmlp_clock& clock, std::uint64_t from, std::uint64_t end, OnError on_error,
          tickmlp_recorder* recorder, CallCounts* counts, WorstSamples* worst = nullptr) {
  counts->calls += 1;
  if (__builtin_expect(work.status != TICKMLP_OK, 0)) {
    counts->errors += 1;
    if (counts->first_error == TICKMLP_OK) counts->first_error = work.status;
    return on_error == OnError::kCount;
  }
  if (end >= from) {
    const std::uint64_t ns = tickmlp_clock_ns(&clock, end - from);
    tickmlp_recorder_record(recorder, ns);
    if (worst != nullptr) worst->offer(ns, end);
  } else {
    counts->backwards += 1;
  }
  return true;
}

// Service time: end - begin of each call, one after the other. Work has prepare(), timed() and status, as in
// timed_work.h. False when it was interrupted or, where errors stop it, a call failed. Hot path.
template <class Work, class Time>
bool run_back_to_back(std::uint64_t calls, const tickmlp_clock& clock, OnError on_error, Work* work, Time* time,
                      tickmlp_recorder* recorder, CallCounts* counts, WorstSamples* worst = nullptr) {
  const std::uint64_t start = time->now();
  std::uint64_t end = start;
  bool going = true;
  for (std::uint64_t i = 0; i < calls && going; ++i) {
    work->prepare();
    const std::uint64_t begin = time->now();
    work->timed();
    end = time->now();
    going = note(*work, clock, begin, end, on_error, recorder, counts, worst) && g_interrupt_signal == 0;
  }
  counts->ticks += end - start;
  return going;
}

// Response time: end of each call - its planned arrival. The clock is watched until the arrival, then the call is made.
// A call that takes longer than a gap makes the next ones late, and each of those is still counted from its own planned
// arrival: that is what a tick in a queue waits (no coordinated omission). The state is prepared before the wait: where
// there is time that happens before the arrival, so the response is wait in the queue + call; a late call's preparation
// stands inside its response. Otherwise as run_back_to_back(); the cursor keeps the place. Hot path.
template <class Work, class Time>
bool run_paced(std::uint64_t calls, const Schedule& schedule, std::uint64_t late_after, const tickmlp_clock& clock,
               OnError on_error, ScheduleCursor* cursor, Work* work, Time* time, tickmlp_recorder* recorder,
               PacedCounts* counts, WorstSamples* worst = nullptr) {
  PacedCounts here;
  const std::uint64_t start = time->now(), planned_start = cursor->last;
  std::uint64_t end = start;
  bool going = true;
  for (std::uint64_t i = 0; i < calls && going; ++i) {
    const std::uint64_t planned = cursor->planned(schedule);
    work->prepare();
    std::uint64_t begin = time->now();
    while (begin < planned && g_interrupt_signal == 0) begin = time->now();
    if (begin < planned) {
      going = false;
      break;
    }
    work->timed();
    end = time->now();
    cursor->advance(schedule);
    const std::uint64_t lateness = here.last_lateness = begin - planned;
    here.lateness += lateness;
    here.largest_lateness = std::max(here.largest_lateness, lateness);
    going = note(*work, clock, planned, end, on_error, recorder, &here.of, worst) && g_interrupt_signal == 0;
    if (lateness > late_after) here.planned_misses += 1;
    else here.on_time = here.of.calls;
  }
  here.of.ticks = end - start;
  here.planned_ticks = cursor->last - planned_start;
  counts->add(here);
  return going;
}

// One clock step + what the waiting loop itself takes for one round: the p99 of 10,000 rounds (0.25 ms). An arrival
// that falls just behind a reading is seen one round later at most.
std::uint64_t late_after_ticks(const tickmlp_clock& clock);

}  // namespace tickmlp::bench
#endif
