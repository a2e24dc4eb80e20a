// SPDX-License-Identifier: Apache-2.0
// The paced loop against queueing arithmetic, on a clock that the test moves; and once on the real clock.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "measure/response.h"

using namespace tickmlp::bench;

namespace {

const tickmlp_clock kNsClock{1.0, std::uint64_t{1} << 32, 1, 1};  // a tick is 1 ns

// Each reading is one tick later than the one before.
struct VirtualTime {
  std::uint64_t ticks = 0;
  std::uint64_t now() { return ++ticks; }
};

// Takes a known time; one call stalls.
struct VirtualWork {
  VirtualTime* time;
  std::uint64_t service, stall_at = UINT64_MAX, stall = 0, calls = 0;
  std::vector<std::uint64_t> failing{};
  tickmlp_status status = TICKMLP_OK;
  void prepare() {}
  void timed() {
    time->ticks += calls == stall_at ? stall : service;
    const bool fails = std::find(failing.begin(), failing.end(), calls) != failing.end();
    status = fails ? TICKMLP_NON_FINITE_INPUT : TICKMLP_OK;
    ++calls;
  }
};

using Recorder = std::unique_ptr<tickmlp_recorder>;
Recorder empty() {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  return recorder;
}

// The queue on paper: a call begins when it is due and the one before has ended, two readings of the clock cost a tick
// each (one ends the wait, one the call). Fills in what was recorded and returns how late each call began.
std::vector<std::uint64_t> simulate(const std::vector<std::uint64_t>& due, const std::vector<std::uint64_t>& service,
                                    std::uint64_t free_at, tickmlp_recorder* responses) {
  std::vector<std::uint64_t> late;
  for (std::size_t i = 0; i < due.size(); ++i) {
    const std::uint64_t begin = std::max(due[i], free_at + 1), end = begin + service[i] + 1;
    tickmlp_recorder_record(responses, end - due[i]);
    late.push_back(begin - due[i]);
    free_at = end;
  }
  return late;
}

bool same(const tickmlp_recorder& one, const tickmlp_recorder& other) {
  return one.count == other.count && one.maximum == other.maximum && one.minimum == other.minimum &&
         one.beyond == other.beyond && std::equal(std::begin(one.slots), std::end(one.slots), std::begin(other.slots));
}

}  // namespace

TEST_CASE("a stall makes the calls behind it late, each counted from its own planned arrival") {
  const std::uint64_t gap = 10'000, service = 1'000, stall = 20'000'000, calls = 10'000;
  const Schedule schedule(Arrivals::kConstant, 1e5, calls, 1, 1);
  VirtualTime time, naive_time;
  VirtualWork work{&time, service, 3'000, stall}, naive_work{&naive_time, service, 3'000, stall};
  const Recorder responses = empty(), naive = empty(), expected = empty();
  PacedCounts counts;
  ScheduleCursor cursor(time.now());
  const std::uint64_t origin = cursor.origin;
  CHECK(run_paced(calls, schedule, 2, kNsClock, OnError::kStop, &cursor, &work, &time, responses.get(), &counts));

  std::vector<std::uint64_t> due, services(calls, service);
  for (std::uint64_t i = 0; i < calls; ++i) due.push_back(origin + schedule[i]);
  services[3'000] = stall;
  const auto late = simulate(due, services, origin, expected.get());
  CHECK(same(*responses, *expected));
  const auto misses = static_cast<std::uint64_t>(std::count_if(late.begin(), late.end(), [](auto x) { return x > 2; }));
  CHECK_EQ(counts.planned_misses, misses);
  CHECK_EQ(counts.largest_lateness, *std::max_element(late.begin(), late.end()));
  // In closed form: the backlog of `stall` shrinks by gap - (service + 2) with each call, so that
  // ceil((stall + 2 - gap) / (gap - service - 2)) calls are late. 2: the two readings of the clock.
  CHECK_EQ(misses, (stall + 2 - gap + gap - service - 3) / (gap - service - 2));
  CHECK_EQ(counts.largest_lateness, stall + 2 - gap);
  CHECK_FALSE(counts.never_drained());
  CHECK_EQ(counts.planned_ticks, gap * calls);

  // What begin to end would have said of the same run: one slow call in ten thousand; p99 and p99.9 see nothing.
  CallCounts plain;
  CHECK(run_back_to_back(calls, kNsClock, OnError::kStop, &naive_work, &naive_time, naive.get(), &plain));
  CHECK_EQ(tickmlp_recorder_percentile(naive.get(), 999, 1000), service + 1);
  CHECK_GT(tickmlp_recorder_percentile(responses.get(), 99, 100), stall / 2);
  CHECK_EQ(naive->maximum, responses->maximum);
}

TEST_CASE("Poisson arrivals wait as long as an M/D/1 queue says") {
  const std::uint64_t service = 1'998, between = service + 2;  // a call and the two readings of the clock
  for (const double load : {0.5, 0.8}) {
    const std::size_t calls = 20'000, batches = 60;
    double sum = 0, squares = 0;
    for (std::size_t batch = 0; batch < batches; ++batch) {
      const Schedule schedule(Arrivals::kPoisson, load * 1e9 / static_cast<double>(between), calls, 1, 100 + batch);
      VirtualTime time;
      VirtualWork work{&time, service};
      const Recorder responses = empty();
      PacedCounts counts;
      ScheduleCursor cursor(time.now());
      // The first quarter fills the empty queue.
      run_paced(calls / 4, schedule, 2, kNsClock, OnError::kStop, &cursor, &work, &time, responses.get(), &counts);
      counts = {};
      run_paced(calls * 3 / 4, schedule, 2, kNsClock, OnError::kStop, &cursor, &work, &time, responses.get(), &counts);
      const double mean = static_cast<double>(counts.lateness) / static_cast<double>(counts.of.calls);
      sum += mean;
      squares += mean * mean;
    }
    const double mean = sum / batches, error = std::sqrt((squares / batches - mean * mean) / (batches - 1));
    const double theory = load * static_cast<double>(between) / (2 * (1 - load));  // Pollaczek-Khinchine
    CAPTURE(load);
    CAPTURE(error);
    CHECK_LT(error, 0.02 * theory);
    CHECK_LT(std::abs(mean - theory), 4 * error + 1);  // 1: whole ticks
  }
}

TEST_CASE("above its capacity the queue never drains") {
  for (const double load : {0.95, 1.05}) {
    const Schedule schedule(Arrivals::kConstant, load * 1e9 / 1'002, 5'000, 1, 1);
    VirtualTime time;
    VirtualWork work{&time, 1'000};
    const Recorder responses = empty();
    PacedCounts counts;
    ScheduleCursor cursor(time.now());
    run_paced(5'000, schedule, 2, kNsClock, OnError::kStop, &cursor, &work, &time, responses.get(), &counts);
    CHECK_EQ(counts.never_drained(), load > 1);
    CHECK_EQ(counts.of.ticks > counts.planned_ticks + 1'002, load > 1);  // achieved below offered
  }
}

TEST_CASE("a schedule that is gone through in stretches, again and again, is one schedule") {
  const Schedule period(Arrivals::kPoisson, 5e5, 100, 1, 3);
  VirtualTime time;
  VirtualWork work{&time, 1'500};
  const Recorder stretches = empty(), expected = empty();
  PacedCounts counts;
  ScheduleCursor cursor(time.now());
  std::vector<std::uint64_t> due;
  for (std::uint64_t i = 0; i < 350; ++i) due.push_back(cursor.origin + i / 100 * period.period() + period[i % 100]);
  simulate(due, std::vector<std::uint64_t>(350, 1'500), cursor.origin, expected.get());
  for (const std::uint64_t calls : {1, 99, 7, 243}) {
    run_paced(calls, period, 2, kNsClock, OnError::kStop, &cursor, &work, &time, stretches.get(), &counts);
    --time.ticks;  // the reading at a stretch's begin is not in the arithmetic
  }
  CHECK_EQ(counts.of.calls, 350);
  CHECK_EQ(counts.planned_ticks, 3 * period.period() + period[49]);
  CHECK_EQ(stretches->count, expected->count);
  CHECK_EQ(tickmlp_recorder_central(stretches.get()),
           doctest::Approx(tickmlp_recorder_central(expected.get())).epsilon(2e-3));
}

TEST_CASE("calls that fail end the loop or are counted, and have no latency") {
  for (const OnError on_error : {OnError::kStop, OnError::kCount}) {
    const Schedule schedule(Arrivals::kConstant, 1e5, 100, 1, 1);
    VirtualTime time;
    VirtualWork work{&time, 1'000, UINT64_MAX, 0, 0, {10, 20, 21}};
    const Recorder responses = empty(), services = empty();
    PacedCounts counts;
    CallCounts plain;
    ScheduleCursor cursor(time.now());
    const bool stop = on_error == OnError::kStop;
    CHECK_EQ(run_paced(100, schedule, 2, kNsClock, on_error, &cursor, &work, &time, responses.get(), &counts), !stop);
    CHECK_EQ(counts.of.errors, stop ? 1 : 3);
    CHECK_EQ(counts.of.calls, stop ? 11 : 100);
    CHECK_EQ(responses->count, stop ? 10 : 97);
    CHECK_EQ(counts.of.first_error, TICKMLP_NON_FINITE_INPUT);
    work.calls = 0;
    CHECK_EQ(run_back_to_back(100, kNsClock, on_error, &work, &time, services.get(), &plain), !stop);
    CHECK_EQ(plain.errors, stop ? 1 : 3);
    CHECK_EQ(services->count, stop ? 10 : 97);
  }
}

// Takes 20 us of real time, once 20 ms, and notes when.
struct RealWork {
  tickmlp_clock clock;
  std::uint64_t calls = 0;
  std::vector<std::uint64_t> services;
  tickmlp_status status = TICKMLP_OK;
  void prepare() {}
  void timed() {
    const std::uint64_t begin = tickmlp_clock_begin(), wanted = calls++ == 200 ? 20'000'000 : 20'000;
    while (tickmlp_clock_ns(&clock, tickmlp_clock_begin() - begin) < wanted) {
    }
    services.push_back(tickmlp_clock_end() - begin);
  }
};

TEST_CASE("on the real clock no response is shorter than the queue of the same calls on paper") {
  tickmlp_clock clock{};
  REQUIRE_EQ(tickmlp_clock_calibrate(&clock, nullptr), TICKMLP_OK);
  const std::uint64_t calls = 1'000;
  const Schedule schedule(Arrivals::kConstant, 10'000, calls, clock.ns_per_tick, 1);
  RealWork work{clock, 0, {}};
  work.services.reserve(calls);
  CpuTime time;
  const Recorder responses = empty(), paper = empty(), naive = empty();
  PacedCounts counts;
  ScheduleCursor cursor(time.now());
  const std::uint64_t origin = cursor.origin;
  REQUIRE(run_paced(calls, schedule, late_after_ticks(clock), clock, OnError::kStop, &cursor, &work, &time,
                    responses.get(), &counts));
  std::uint64_t free_at = origin;
  for (std::uint64_t i = 0; i < calls; ++i) {
    const std::uint64_t due = origin + schedule[i], end = std::max(due, free_at) + work.services[i];
    tickmlp_recorder_record(paper.get(), tickmlp_clock_ns(&clock, end - due));
    tickmlp_recorder_record(naive.get(), tickmlp_clock_ns(&clock, work.services[i]));
    free_at = end;
  }
  for (std::uint64_t tenth = 0; tenth <= 10; ++tenth)
    CHECK_GE(tickmlp_recorder_percentile(responses.get(), tenth, 10),
             tickmlp_recorder_percentile(paper.get(), tenth, 10));
  // A stall of 20 ms at 10,000 a second: 199 arrivals fall into it, and the backlog shrinks by 80 us a call; each such
  // call waits more than 10 ms until half of it is gone. Whatever else runs on the box only adds to that.
  CHECK_GE(counts.planned_misses, 199);
  CHECK_GE(tickmlp_recorder_percentile(responses.get(), 88, 100), 9'800'000);
  CHECK_LT(tickmlp_recorder_percentile(naive.get(), 88, 100), 9'800'000);
}
