// SPDX-License-Identifier: Apache-2.0
// The parts of a soak: alerts, trends, budgets; and a short one of a real model.
#include <doctest/doctest.h>

#include <string>

#include "certify/conclusion.h"
#include "certify/judgement.h"
#include "measure/subject.h"
#include "model.h"
#include "soak/soak.h"
#include "soak/trend.h"

using namespace tickmlp::bench;

namespace {

SoakInterval interval_of(double p99_ns, std::uint64_t errors = 0) {
  SoakInterval interval;
  interval.seconds = 1;
  interval.calls = 1'000 + errors;
  interval.errors = errors;
  tickmlp_recorder_reset(&interval.recorder);
  for (int i = 0; i < 1'000; ++i) tickmlp_recorder_record(&interval.recorder, static_cast<std::uint64_t>(p99_ns));
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

TEST_CASE("one interval above the limit warns, three in a row or ten times the limit are critical") {
  AlertWatch watch({{"soak", "p99", 5'000}}, 0);
  CHECK_EQ(judged(&watch, interval_of(5'000)), "");
  CHECK_EQ(judged(&watch, interval_of(5'001)), "budget p99 raised warning");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "budget p99 raised critical");
  CHECK_EQ(judged(&watch, interval_of(6'000)), "");
  SoakInterval unknown = interval_of(9'000);
  tickmlp_recorder_reset(&unknown.recorder);  // nothing is known of p99, nothing changes
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
  SoakInterval saturated = interval_of(10);
  tickmlp_recorder_reset(&saturated.recorder);
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
    std::size_t between = 0;
    const SoakResult result =
        soak(subject, plan, {[&](double share) { shown = share; }, [](const SoakAlert&) {}, [&] { between += 1; }});
    CHECK_EQ(between, 600);
    CHECK(result.complete);
    CHECK_EQ(result.interval_seconds, doctest::Approx(0.9 / 600));
    CHECK_EQ(result.intervals.size(), 600);
    std::uint64_t count = 0, calls = 0;
    SeriesEvidence series{{Run()}};
    for (const SoakInterval& interval : result.intervals) {
      if (!interval.saturated) CHECK_EQ(interval.recorder.count, interval.calls - interval.errors);
      count += interval.recorder.count, calls += interval.calls;
      series.runs[0].push_back({interval.begin_s, interval.seconds, histogram_of(interval.recorder)});
    }
    // What was kept gives the same member again, to the last digit.
    const nlohmann::json member = soak_json(result);
    CHECK_EQ(soak_json(read_soak(member, {}, series)), member);
    CHECK_EQ(member["total"]["count"], count);
    series.runs[0].pop_back();
    CHECK_THROWS_AS(read_soak(member, {}, series), std::exception);
    CHECK_EQ(calls, result.calls.calls);
    if (rate == 0) CHECK_EQ(count + result.calls.backwards, calls);
    CHECK_GT(result.intervals.back().resident_kb, 1'000);
    CHECK_GT(shown, 0.99);
    CHECK_EQ(result.capacity_per_s > 0, true);
  }
  SoakPlan plan;
  plan.per_second = 1e9;
  const SoakResult saturated = soak(subject, plan, {[](double) {}, [](const SoakAlert&) {}, [] {}});
  CHECK(saturated.saturated);
  CHECK(saturated.intervals.empty());
  CHECK(soak_json(saturated)["total"]["p50_ns"].is_null());
}

namespace {

// One run with a block for each value, which every one of its calls took.
SeriesEvidence intervals_of(const std::vector<std::uint64_t>& values, int calls = 1'000) {
  SeriesEvidence series{{Run()}};
  for (const std::uint64_t value : values) {
    tickmlp_recorder recorder;
    tickmlp_recorder_reset(&recorder);
    for (int i = 0; i < calls; ++i) tickmlp_recorder_record(&recorder, value);
    series.runs[0].push_back({0, 1, histogram_of(recorder)});
  }
  return series;
}

}  // namespace

TEST_CASE("a budget of the soak: three intervals in a row beyond it, or one beyond ten times it, exceed it") {
  const Budget budget{"soak", "p99", 1'000};
  const auto verdict = [&](const std::vector<std::uint64_t>& values) {
    return std::string(verdict_name(judge_intervals(budget, intervals_of(values), 1).verdict));
  };
  CHECK_EQ(verdict({900, 1'000, 900}), "PASS");
  CHECK_EQ(verdict({900, 1'001, 1'001, 900, 1'001}), "INCONCLUSIVE");
  CHECK_EQ(verdict({900, 1'001, 1'001, 1'001}), "FAIL");
  CHECK_EQ(verdict({900, 9'900, 900}), "INCONCLUSIVE");
  CHECK_EQ(verdict({900, 10'200, 900}), "FAIL");
  const Judgement worst = judge_intervals(budget, intervals_of({900, 1'500, 700}), 1);
  CHECK_EQ(worst.value, 1'500);
  CHECK_EQ(worst.interval.low, 1'500);
  CHECK_EQ(worst.interval.high, 1'500);
  CHECK_EQ(worst.above, 1'000);
  CHECK(worst.why.find("1 of 3 intervals") != std::string::npos);
  CHECK(judge_intervals(budget, intervals_of({1'001}), 1).every_above);
  SeriesEvidence with_short = intervals_of({900, 900});
  with_short.runs[0].push_back(intervals_of({900}, 300).runs[0][0]);
  const Judgement silent = judge_intervals(budget, with_short, 1);
  CHECK(silent.verdict == Verdict::kInconclusive);
  CHECK(silent.why.find("too few samples") == 0);
  CHECK(judge_intervals(budget, intervals_of({996}), 100).verdict == Verdict::kInconclusive);  // below 20 clock steps
  CHECK(judge_intervals(budget, SeriesEvidence(), 1).why.find("not measured") != std::string::npos);
}

TEST_CASE("a critical alert beside the budgets keeps the verdict from PASS, and from nothing else") {
  const Judgement met = judge_intervals({"soak", "p99", 1'000}, intervals_of({900}), 1);
  const Judgement missed = judge_intervals({"soak", "p99", 800}, intervals_of({700, 900, 900, 900}), 1);
  REQUIRE(met.verdict == Verdict::kPass);
  REQUIRE(missed.verdict == Verdict::kFail);
  const Outcome doubtful{"", 0, true, {"p99 was above 1 ms"}};
  CHECK(conclude({met}, {}, {}).verdict == Verdict::kPass);
  CHECK(conclude({met}, {}, doubtful).verdict == Verdict::kInconclusive);
  CHECK_EQ(conclude({met}, {}, doubtful).reasons, doubtful.doubts);
  CHECK(conclude({met, missed}, {}, doubtful).verdict == Verdict::kFail);
}
