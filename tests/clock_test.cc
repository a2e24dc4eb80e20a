// SPDX-License-Identifier: Apache-2.0
// The calibration against made-up clocks with known rate, step and faults, then against this machine's own.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "clock_source.h"
#include "tickmlp.h"

namespace {

// Simulated time moves by 7.3 ns with each reading of either clock; the counter shows it in steps.
struct FakeClock {
  double ns_per_tick = 0.4, step_ticks = 1, now = 1e6;
  double stops_at = 1e300;  // the counter stands still from here on
  double falls_at = 1e300;  // one reading is lower than the last
  bool fell = false;

  std::uint64_t ticks() {
    now += 7.3;
    const double seen = std::min(now, stops_at);
    if (now > falls_at && !fell) return fell = true, 1;
    return static_cast<std::uint64_t>(std::floor(seen / ns_per_tick / step_ticks) * step_ticks);
  }
  std::uint64_t nanoseconds() { return static_cast<std::uint64_t>(now += 7.3); }
};

tickmlp_status calibrate(FakeClock* fake, tickmlp_clock* out, tickmlp_error* error, double known = 0) {
  const tickmlp::ClockSource source{[](void* c) { return static_cast<FakeClock*>(c)->ticks(); },
                                    [](void* c) { return static_cast<FakeClock*>(c)->nanoseconds(); }, fake, known,
                                    true};
  return tickmlp::calibrate_clock(source, out, error);
}

tickmlp_clock calibrated(FakeClock fake, double known = 0) {
  tickmlp_clock clock{};
  tickmlp_error error{};
  const tickmlp_status status = calibrate(&fake, &clock, &error, known);
  CAPTURE(error.message);
  CHECK_EQ(status, TICKMLP_OK);
  return clock;
}

void check_refused(FakeClock fake, const std::string& words) {
  tickmlp_clock clock{-1, 2, 3, 4};
  tickmlp_error error{};
  FakeClock again = fake;
  CHECK_NE(calibrate(&fake, &clock, &error), TICKMLP_OK);
  CHECK_NE(error.status, TICKMLP_OK);
  CHECK_NE(std::string(error.message).find(words), std::string::npos);
  CHECK_EQ(clock.ns_per_tick, -1);  // outputs are untouched on failure
  CHECK_NE(calibrate(&again, &clock, nullptr), TICKMLP_OK);
}

}  // namespace

TEST_CASE("the rate is found for slow and fast counters") {
  for (const double ns_per_tick : {0.25, 0.385188, 1.0, 10.0, 41.6667}) {
    const tickmlp_clock clock = calibrated({.ns_per_tick = ns_per_tick});
    CHECK_EQ(clock.ns_per_tick, doctest::Approx(ns_per_tick).epsilon(1e-5));
    const auto second = static_cast<std::uint64_t>(1e9 / clock.ns_per_tick);
    CHECK_LE(std::llabs(static_cast<long long>(tickmlp_clock_ns(&clock, second)) - 1'000'000'000), 42);
    CHECK_EQ(clock.invariant, 1);
  }
}

TEST_CASE("a rate that the hardware declares is taken as it is") {
  CHECK_EQ(calibrated({.ns_per_tick = 40.0}, 40.5).ns_per_tick, 40.5);
}

TEST_CASE("the step is the counter's, not the length of an empty region") {
  CHECK_EQ(calibrated({.ns_per_tick = 0.385, .step_ticks = 26}).step_ns, 10);
  CHECK_EQ(calibrated({.ns_per_tick = 0.5, .step_ticks = 200}).step_ns, 100);
  CHECK_EQ(calibrated({.ns_per_tick = 41.6667}).step_ns, 42);
  CHECK_EQ(calibrated({.ns_per_tick = 0.25}).step_ns, 1);  // finer than a nanosecond counts as one
}

TEST_CASE("counters that cannot be used are refused by name") {
  check_refused({.falls_at = 1e6 + 1000}, "goes backwards");  // while the step is measured
  check_refused({.falls_at = 1e6 + 5e6}, "goes backwards");   // while the rate is
  check_refused({.stops_at = 1}, "stands still");
  check_refused({.ns_per_tick = 0.01}, "unbelievable");
  check_refused({.ns_per_tick = 5000.0}, "unbelievable");
  CHECK_EQ(tickmlp_clock_calibrate(nullptr, nullptr), TICKMLP_BAD_ARGUMENT);
}

TEST_CASE("this machine's counter") {
  tickmlp_clock first{}, second{};
  tickmlp_error error{};
  REQUIRE_EQ(tickmlp_clock_calibrate(&first, &error), TICKMLP_OK);
  REQUIRE_EQ(tickmlp_clock_calibrate(&second, &error), TICKMLP_OK);
  CHECK_EQ(first.ns_per_tick, doctest::Approx(second.ns_per_tick).epsilon(1e-3));
  CHECK_GE(first.step_ns, 1);
  const std::uint64_t begin = tickmlp_clock_begin();
  CHECK_GE(tickmlp_clock_end(), begin);
}

TEST_CASE("pinning names the core, the allowed set and why") {
  cpu_set_t before;
  REQUIRE_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const auto message = [](int core) {
    tickmlp_error error{};
    CHECK_EQ(tickmlp_pin_thread(core, &error), TICKMLP_PIN_FAILED);
    CHECK_EQ(error.status, TICKMLP_PIN_FAILED);
    return std::string(error.message);
  };
  CHECK_NE(message(-1).find("core -1: it is out of range"), std::string::npos);
  CHECK_NE(message(1 << 20).find("out of range"), std::string::npos);
  CHECK_NE(message(8191).find("core 8191"), std::string::npos);
  CHECK_NE(message(8191).find("allowed cores: "), std::string::npos);
  CHECK_EQ(tickmlp_pin_thread(8191, nullptr), TICKMLP_PIN_FAILED);
  cpu_set_t after;
  REQUIRE_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  CHECK(CPU_EQUAL(&before, &after));

  int core = 0;
  while (!CPU_ISSET(core, &before)) ++core;
  tickmlp_error error{};
  CHECK_EQ(tickmlp_pin_thread(core, &error), TICKMLP_OK);
  CHECK_EQ(sched_getcpu(), core);
  sched_setaffinity(0, sizeof before, &before);
}
