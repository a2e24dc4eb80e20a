// SPDX-License-Identifier: Apache-2.0
// The parts of a soak: intervals as differences, alerts, trends; and a short one of a real model.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>

#include "model.h"
#include "soak/soak.h"
#include "soak/trend.h"

using namespace tickmlp::bench;

namespace {

using Recorder = std::unique_ptr<tickmlp_recorder>;
Recorder empty() {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  return recorder;
}

SoakInterval interval_of(double p99_ns, std::uint64_t errors = 0) {
  SoakInterval interval;
  interval.seconds = 1;
  interval.calls = 1'000 + errors;
  interval.errors = errors;
  interval.count = 1'000;
  for (std::uint64_t& percentile : interval.percentile_ns) percentile = static_cast<std::uint64_t>(p99_ns);
  return interval;
}

// "p99 raised warning, errors cleared critical"
std::string judged(AlertWatch* watch, const SoakInterval& interval) {
  std::string text;
  for (const SoakAlert& alert : watch->judge(interval, 0))
    text += (text.empty() ? "" : ", ") + alert.rule + " " + alert.state + (alert.critical ? " critical" : " warning");
  return text;
}

}  // namespace

TEST_CASE("an interval is the difference of two copies") {
  std::mt19937_64 random(3);
  const Recorder running = empty(), before = empty(), alone = empty(), difference = empty();
  for (int i = 0; i < 20'000; ++i) {
    if (i == 5'000) *before = *running;
    const std::uint64_t value = random() % (std::uint64_t{1} << (i % 32));
    tickmlp_recorder_record(running.get(), value);
    if (i >= 5'000) tickmlp_recorder_record(alone.get(), value);
  }
  *difference = *running;
  subtract(difference.get(), *before);
  CHECK_EQ(difference->count, alone->count);
  CHECK_GT(difference->beyond, 0);
  CHECK_EQ(difference->beyond, alone->beyond);
  CHECK(std::equal(std::begin(difference->slots), std::end(difference->slots), std::begin(alone->slots)));
  CHECK_EQ(tickmlp_recorder_percentile(difference.get(), 9, 10), tickmlp_recorder_percentile(alone.get(), 9, 10));
  *difference = *running;
  subtract(difference.get(), *running);
  CHECK_EQ(difference->count, 0);
  CHECK_EQ(difference->maximum, 0);

  // Extremes: edges of the slots, not those of the time before.
  const Recorder total = empty(), earlier = empty();
  for (const std::uint64_t value : {1, 900'000}) tickmlp_recorder_record(total.get(), value);
  *earlier = *total;
  for (const std::uint64_t value : {70, 5'000}) tickmlp_recorder_record(total.get(), value);
  subtract(total.get(), *earlier);
  CHECK_EQ(total->minimum, 70);
  CHECK_EQ(total->maximum, tickmlp_recorder_slot_upper(tickmlp_recorder_slot(5'000)));
}

TEST_CASE("figures are given where the samples suffice") {
  const Recorder recorder = empty();
  for (std::uint64_t i = 1; i <= 368; ++i) tickmlp_recorder_record(recorder.get(), i);
  SoakInterval interval;
  fill_figures(*recorder, &interval);
  CHECK_EQ(figure_of(interval, "p99"), 365);
  CHECK_EQ(figure_of(interval, "p50"), 184);
  CHECK_EQ(figure_of(interval, "min"), 1);
  CHECK_EQ(figure_of(interval, "max"), 368);
  CHECK_EQ(figure_of(interval, "central").value(), doctest::Approx(184.5));
  CHECK_FALSE(figure_of(interval, "p99.9"));
  interval.saturated = true;
  CHECK_FALSE(figure_of(interval, "p50"));
}

TEST_CASE("one interval above the limit warns, three in a row or ten times the limit are critical") {
  AlertWatch watch({{"soak", "p99", 5'000}}, 0);
  CHECK_EQ(judged(&watch, interval_of(5'000)), "");
  CHECK_EQ(judged(&watch, interval_of(5'001)), "budget p99 raised warning");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "budget p99 raised critical");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "");
  SoakInterval unknown = interval_of(9'000);
  unknown.count = 100;  // too few for p99: nothing is known, nothing changes
  CHECK_EQ(judged(&watch, unknown), "");
  CHECK_EQ(judged(&watch, interval_of(4'000)), "budget p99 cleared critical");
  CHECK_EQ(judged(&watch, interval_of(5'001)), "budget p99 raised warning");
  CHECK_EQ(judged(&watch, interval_of(4'000)), "budget p99 cleared warning");
  CHECK_EQ(judged(&watch, interval_of(50'001)), "budget p99 raised critical");
  CHECK_EQ(judged(&watch, interval_of(1'000'000)), "");  // 1 ms is not passed yet
  CHECK_EQ(judged(&watch, interval_of(1'000'001)), "p99 raised warning");
  CHECK_EQ(judged(&watch, interval_of(10'000'001)), "p99 raised critical");
  CHECK_EQ(judged(&watch, interval_of(10)), "p99 cleared critical, budget p99 cleared critical");
}

TEST_CASE("errors above 1 %, and a queue that never drained") {
  AlertWatch watch({}, 5'000);
  CHECK_EQ(judged(&watch, interval_of(10, 10)), "");  // 10 of 1,010
  CHECK_EQ(judged(&watch, interval_of(10, 11)), "errors raised warning");
  CHECK_EQ(judged(&watch, interval_of(10, 0)), "errors cleared warning");
  CHECK_EQ(judged(&watch, interval_of(10, 1'000)), "errors raised critical");
  SoakInterval saturated = interval_of(1e9);
  saturated.saturated = true;
  CHECK_EQ(judged(&watch, saturated), "errors cleared critical, saturated raised critical");
  const auto alerts = watch.judge(interval_of(10), 7);
  REQUIRE_EQ(alerts.size(), 1);
  CHECK_EQ(alerts[0].state, "cleared");
  CHECK_EQ(alerts[0].interval, 7);
  CHECK_EQ(alert_json(alerts[0])["severity"], "critical");
}

TEST_CASE("a slope that a quarter of outliers does not move") {
  std::vector<double> x, y;
  for (int i = 0; i < 200; ++i) {
    x.push_back(i);
    y.push_back(1'000 + 2.5 * i + (i % 4 == 0 ? 1e6 * (i % 3 - 1) : 0));
  }
  CHECK_EQ(robust_slope(x, y), doctest::Approx(2.5).epsilon(0.2));
  CHECK_EQ(robust_slope({1, 2, 3, 4}, {7, 7, 7, 7}), 0);
  CHECK_EQ(robust_slope({1, 2, 4}, {1, 3, 7}), doctest::Approx(2));
  CHECK_EQ(robust_slope({1}, {1}), 0);
}

TEST_CASE("the last tenth against the first, with the spread of both") {
  std::vector<double> series(100, 500);
  for (std::size_t i = 0; i < 100; ++i) series[i] += static_cast<double>(i % 10);  // 500 .. 509 in each ten
  for (std::size_t i = 90; i < 100; ++i) series[i] *= 1.2;
  const auto tenths = compare_tenths(series);
  REQUIRE(tenths.has_value());
  CHECK_EQ(tenths->values, 10);
  CHECK_EQ(tenths->first, 504.5);
  CHECK_EQ(tenths->change, doctest::Approx(0.2));
  CHECK_EQ(tenths->first_range.low, 501);  // of ten values: the second smallest to the second largest
  CHECK_EQ(tenths->first_range.high, 508);
  CHECK_EQ(tenths->change_range.low, doctest::Approx(501 * 1.2 / 508 - 1));
  CHECK_EQ(tenths->change_range.high, doctest::Approx(508 * 1.2 / 501 - 1));
  CHECK_FALSE(compare_tenths({500}).has_value());
  CHECK_EQ(compare_tenths({500, 600})->change, doctest::Approx(0.2));
}

TEST_CASE("a short soak: its intervals are the whole, and there are never more than 600") {
  const Model model = load_model(std::string(TICKMLP_SOURCE_ROOT) + "/weights/strategic-int8.blob", "");
  const Session session = open_session(model);
  Subject subject{};
  const float* outputs = nullptr;
  subject.session = session.get();
  subject.model = tickmlp_model_describe(model.get());
  subject.count = tickmlp_model_golden(model.get(), &subject.states, &outputs);
  REQUIRE_EQ(tickmlp_clock_calibrate(&subject.clock, nullptr), TICKMLP_OK);
  for (const double rate : {0.0, 20'000.0}) {
    SoakPlan plan;
    plan.seconds = 0.9;
    plan.interval_seconds = 0.001;
    plan.per_second = rate;
    double shown = 0;
    const SoakResult result = soak(subject, plan, {[&](double share) { shown = share; }, [](const SoakAlert&) {}});
    CHECK(result.complete);
    CHECK_EQ(result.interval_seconds, 0.9 / 600);
    CHECK_EQ(result.intervals.size(), 600);
    std::uint64_t count = 0, calls = 0;
    for (const SoakInterval& interval : result.intervals) count += interval.count, calls += interval.calls;
    CHECK_EQ(count, result.total.count);
    CHECK_EQ(calls, result.calls.calls);
    CHECK_EQ(count + result.calls.backwards, calls);
    CHECK_GT(result.intervals.back().resident_kb, 1'000);
    CHECK_GT(shown, 0.99);
    CHECK_EQ(result.capacity_per_s > 0, true);
  }
  SoakPlan plan;
  plan.per_second = 1e9;
  const SoakResult saturated = soak(subject, plan, {[](double) {}, [](const SoakAlert&) {}});
  CHECK(saturated.saturated);
  CHECK(saturated.intervals.empty());
  CHECK_EQ(saturated.total.count, 0);
  CHECK(soak_json(saturated)["total"]["p50_ns"].is_null());
}
