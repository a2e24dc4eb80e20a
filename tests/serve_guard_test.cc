// SPDX-License-Identifier: Apache-2.0
// The server's breaker, shedder and watchdog, each with a clock that the test sets.
#include <doctest/doctest.h>

#include "serve/guard/breaker.h"
#include "serve/guard/shedder.h"
#include "serve/guard/watchdog.h"

using namespace tickmlp::serve;

TEST_CASE("breaker: opens at five failures of ten, tries again, closes after three successes") {
  std::uint64_t now = 1;
  const auto clock = [&] { return now; };
  BreakerState state;
  {
    Breaker breaker({}, state);
    const auto fail = [&] { breaker.failed(clock); };
    CHECK(breaker.allows(1, clock));
    for (int i = 0; i < 4; ++i) fail();
    for (int i = 0; i < 6; ++i) breaker.succeeded();
    fail();  // five, but of eleven
    CHECK(breaker.allows(1, clock));
    now += 1'000'000'001;  // another window
    for (int i = 0; i < 4; ++i) fail();
    CHECK(breaker.allows(1, clock));
    CHECK(state.open == 0);
    fail();
    CHECK_FALSE(breaker.allows(1, clock));
    CHECK(state.open == 1);
    CHECK(state.opened == 1);
    CHECK(state.failures == 10);
    now += 4'999'999'999;
    CHECK_FALSE(breaker.allows(1, clock));
    now += 1;
    CHECK(breaker.allows(1, clock));
    CHECK(breaker.state() == Breaker::State::half_open);
    CHECK(state.open == 1);
    SUBCASE("fails again") {
      fail();
      CHECK_FALSE(breaker.allows(1, clock));
      CHECK(state.opened == 2);
      CHECK(state.open == 1);
    }
    SUBCASE("works again") {
      for (int i = 0; i < 2; ++i) breaker.succeeded();
      CHECK(breaker.state() == Breaker::State::half_open);
      breaker.succeeded();
      CHECK(breaker.state() == Breaker::State::closed);
      CHECK(state.open == 0);
      fail();  // one failure does not open it again
      CHECK(breaker.allows(1, clock));
    }
    SUBCASE("another publication") {
      fail();
      CHECK(breaker.allows(2, clock));
      CHECK(breaker.state() == Breaker::State::closed);
      CHECK(state.open == 0);
    }
  }
  CHECK(state.open == 0);  // one that goes is none that is open
}

TEST_CASE("breaker: 0 failures is never") {
  BreakerState state;
  Breaker breaker({.failures = 0}, state);
  for (int i = 0; i < 1000; ++i) breaker.failed([] { return std::uint64_t{1}; });
  CHECK(breaker.allows(1, [] { return std::uint64_t{1}; }));
}

TEST_CASE("shedder: above the limit, rationed, and not for what was paused") {
  Shedder shedder(50);
  unsigned waited = 10;
  int asked = 0;
  const auto wait = [&] {
    ++asked;
    return std::optional(waited);
  };
  for (int i = 0; i < 160; ++i) CHECK_FALSE(shedder.sheds(false, wait));
  CHECK(asked == 10);  // one in sixteen
  waited = 51;
  for (int i = 0; i < 16; ++i) shedder.sheds(false, wait);
  std::uint64_t cpu_ns = 0;
  const auto shed_after = [&](std::uint64_t more_ns) {
    shedder.tick(cpu_ns += more_ns);
    unsigned shed = 0;
    for (int i = 0; i < 5000; ++i) shed += shedder.sheds(false, wait);
    return shed;
  };
  CHECK(shed_after(100'000'000) == 1000);
  CHECK(shed_after(20'000'000) == 200);
  CHECK(shed_after(0) == Shedder::kLeast);
  shedder.tick(cpu_ns);
  CHECK(shedder.sheds(true, wait));  // of a connection that was paused: by what others waited
  waited = 50;
  CHECK_FALSE(shedder.sheds(false, wait));
  waited = 51;
  CHECK(shedder.sheds(false, wait));
  shedder.tick(cpu_ns);
  shedder.tick(cpu_ns);  // nobody measured since
  CHECK_FALSE(shedder.sheds(true, wait));
  Shedder never(0);
  for (int i = 0; i < 100; ++i) CHECK_FALSE(never.sheds(false, wait));
}

TEST_CASE("watchdog: a thread that is late makes the server not ready, until it comes round") {
  Health health;
  Watchdog watchdog(health, 2'000'000'000);
  ThreadFigures one("one"), two("two");
  watchdog.watch(one);
  watchdog.watch(two);
  CHECK(watchdog.check(10'000'000'000).empty());  // neither has begun
  one.turned_ns.set(10'000'000'000);
  two.turned_ns.set(10'000'000'000);
  CHECK(watchdog.check(12'000'000'000).empty());
  two.turned_ns.set(12'000'000'000);
  CHECK(std::string(health.not_ready()).empty());
  const auto lines = watchdog.check(12'100'000'000);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == "thread one is stuck: no sign of life for 2100 ms");
  CHECK(std::string(health.not_ready()) == "a serving thread is stuck");
  CHECK(watchdog.check(12'200'000'000).empty());  // told once
  one.turned_ns.set(12'200'000'000);
  CHECK(watchdog.check(12'300'000'000).size() == 1);
  CHECK(health.stuck == 0);
  CHECK(health.stuck_total == 1);
  one.turned_ns.set(0);  // has ended
  two.turned_ns.set(100'000'000'000);
  CHECK(watchdog.check(100'000'000'000).empty());
  health.shutting_down = true;
  CHECK(std::string(health.not_ready()) == "the server is shutting down");
}
