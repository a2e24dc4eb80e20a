// SPDX-License-Identifier: Apache-2.0
// Order-statistic intervals against exact binomial sums, budgets, and the rules of the verdict.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "certify/budget.h"
#include "measure/statistics.h"

using namespace tickmlp::bench;

namespace {

// P(successes < rank) of `count` draws, in long doubles.
long double below(std::uint64_t rank, std::uint64_t count, long double p) {
  long double sum = 0;
  for (std::uint64_t k = 0; k < rank; ++k)
    sum += std::exp(std::lgamma(count + 1.0L) - std::lgamma(k + 1.0L) - std::lgamma(count - k + 1.0L) +
                    static_cast<long double>(k) * std::log(p) + static_cast<long double>(count - k) * std::log1p(-p));
  return sum;
}

std::unique_ptr<tickmlp_recorder> recorder_of(std::uint64_t count, std::uint64_t value, std::uint64_t slow_count = 0,
                                              std::uint64_t slow = 0) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (std::uint64_t i = 0; i < count; ++i) tickmlp_recorder_record(recorder.get(), value);
  for (std::uint64_t i = 0; i < slow_count; ++i) tickmlp_recorder_record(recorder.get(), slow);
  return recorder;
}

const tickmlp_clock kClock{0.385, 0, 10, 1};

Judgement judged(const char* figure, double ns, const tickmlp_recorder& recorder, std::vector<double> epochs = {}) {
  if (epochs.empty()) epochs.assign(20, tickmlp_recorder_central(&recorder));
  return judge({figure, ns}, recorder, epochs, kClock);
}

AuditRow row(Grade grade, bool forcing) { return {"a row", grade, "seen", "", "", forcing}; }

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("the ranks are the tightest that leave at most 2.5 % a side") {
  for (const auto& [numerator, denominator] : {std::pair<std::uint64_t, std::uint64_t>{1, 2}, {9, 10}, {99, 100}}) {
    const long double p = static_cast<long double>(numerator) / static_cast<long double>(denominator);
    for (const std::uint64_t count : {6, 20, 36, 368, 369, 1000, 3000}) {
      const auto ranks = percentile_ranks(count, numerator, denominator);
      if (!ranks) {
        CHECK((below(1, count, p) > 0.025L || below(count, count, p) < 0.975L));
        continue;
      }
      CAPTURE(count);
      CHECK_LE(below(ranks->low, count, p), 0.025L);
      CHECK_GT(below(ranks->low + 1, count, p), 0.025L);
      CHECK_GE(below(ranks->high, count, p), 0.975L);
      CHECK_LT(below(ranks->high - 1, count, p), 0.975L);
    }
  }
}

TEST_CASE("known intervals, small and huge") {
  const auto twenty = percentile_ranks(20, 1, 2);  // in every table of the sign test
  REQUIRE(twenty);
  CHECK_EQ(twenty->low, 6);
  CHECK_EQ(twenty->high, 15);
  const auto huge = percentile_ranks(10'000'000'000, 1, 2);
  REQUIRE(huge);
  const double half_width = static_cast<double>(huge->high - huge->low) / 2;
  CHECK_EQ(half_width, doctest::Approx(1.959964 * 0.5e5).epsilon(1e-4));
  CHECK_FALSE(percentile_ranks(0, 1, 2));
  CHECK_FALSE(percentile_ranks(100, 1, 1));
}

TEST_CASE("no figure below the samples that an interval takes") {
  for (const Percentile& percentile : kPercentiles) {
    CAPTURE(percentile.name);
    CHECK_FALSE(figure_of(*recorder_of(percentile.fewest - 1, 100), percentile));
    const auto figure = figure_of(*recorder_of(percentile.fewest, 100), percentile);
    REQUIRE(figure);
    CHECK_EQ(figure->value, 100);
    CHECK_EQ(figure->interval.low, 100);
    CHECK_EQ(figure->interval.high, 100);
    CHECK_FALSE(percentile_ranks(percentile.fewest - 2, percentile.numerator, percentile.denominator));
  }
}

TEST_CASE("epochs: the median's interval, the whole range where there are few") {
  std::vector<double> epochs{5, 1, 4, 2, 3};
  CHECK_EQ(epoch_interval(epochs).low, 1);
  CHECK_EQ(epoch_interval(epochs).high, 5);
  epochs.clear();
  for (int i = 20; i >= 1; --i) epochs.push_back(i);
  CHECK_EQ(epoch_interval(epochs).low, 6);
  CHECK_EQ(epoch_interval(epochs).high, 15);
  CHECK_EQ(epoch_interval({}).high, 0);
}

TEST_CASE("budgets are parsed, and what is wrong is said") {
  std::vector<Budget> budgets;
  CHECK_EQ(parse_budgets("p99=1us,p99.9=2.5ms,central=250ns,max=1s", &budgets), "");
  REQUIRE_EQ(budgets.size(), 4);
  CHECK_EQ(budgets[0].ns, 1000);
  CHECK_EQ(budgets[1].ns, 2.5e6);
  CHECK_EQ(budgets[2].ns, 250);
  CHECK_EQ(budgets[3].ns, 1e9);
  for (const char* wrong :
       {"", "p99", "p99=", "=1us", "p98=1us", "p99=1", "p99=us", "p99=0us", "p99=-1us", "p99=1 us", "p99=1e3us",
        "p99=nanns", "p99=infs", "p99=1hours", "p99=10000s", "p99=1us,", "p99=1us,p99=2us"}) {
    std::vector<Budget> none;
    CAPTURE(wrong);
    CHECK_NE(parse_budgets(wrong, &none), "");
  }
}

TEST_CASE("an interval decides") {
  const auto recorder = recorder_of(100'000, 600);
  CHECK_EQ(judged("p99", 1000, *recorder).verdict, Verdict::kPass);
  CHECK_EQ(judged("p99", 600, *recorder).verdict, Verdict::kPass);  // within: not above
  CHECK_EQ(judged("p99", 599, *recorder).verdict, Verdict::kFail);
  CHECK_EQ(judged("max", 599, *recorder).verdict, Verdict::kFail);
  CHECK_EQ(judged("min", 600, *recorder).verdict, Verdict::kPass);
  // 1 % and a little of the samples are slow: whether p99 is cannot be told.
  const auto straddling = recorder_of(99'000, 600, 1000, 5000);
  const Judgement open = judged("p99", 1000, *straddling);
  CHECK_EQ(open.verdict, Verdict::kInconclusive);
  CHECK(has(open.why, "cannot be told"));
  const Judgement few = judged("p99.9", 1000, *recorder_of(100, 600));
  CHECK_EQ(few.verdict, Verdict::kInconclusive);
  CHECK_FALSE(few.measured);
  CHECK(has(few.why, "too few samples"));
}

TEST_CASE("central_ns is judged over the epochs") {
  const auto recorder = recorder_of(1000, 600);
  std::vector<double> epochs(20, 600);
  CHECK_EQ(judged("central", 600, *recorder, epochs).verdict, Verdict::kPass);
  std::fill(epochs.begin(), epochs.begin() + 10, 700.0);
  CHECK_EQ(judged("central", 650, *recorder, epochs).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("central", 599, *recorder, epochs).verdict, Verdict::kFail);
}

TEST_CASE("below 20 clock steps central_ns decides, and tails get a step more") {
  // The clock shows 60 or 70: p50 reads 70, the truth lies at 66.
  const auto recorder = recorder_of(4000, 60, 6000, 70);
  CHECK_EQ(judged("p50", 67, *recorder).verdict, Verdict::kPass);
  CHECK_EQ(judged("p50", 65, *recorder).verdict, Verdict::kFail);
  CHECK(has(judged("p50", 67, *recorder).why, "central decides"));
  CHECK_EQ(judged("p99", 80, *recorder).verdict, Verdict::kPass);
  CHECK_EQ(judged("p99", 75, *recorder).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("p99", 55, *recorder).verdict, Verdict::kFail);
  CHECK(has(judged("p99", 80, *recorder).why, "20 clock steps of 10 ns"));
}

TEST_CASE("the verdict: FAIL beats the audit, the audit beats PASS") {
  const auto recorder = recorder_of(100'000, 600);
  const Judgement met = judged("p99", 1000, *recorder), missed = judged("p99", 500, *recorder);
  const std::vector<AuditRow> good{row(Grade::kPass, true), row(Grade::kWarn, false), row(Grade::kFail, false)};
  std::vector<AuditRow> bad = good;
  CHECK_EQ(conclude({met}, good, true).verdict, Verdict::kPass);
  CHECK_EQ(conclude({met, missed}, good, true).verdict, Verdict::kFail);
  CHECK_EQ(conclude({}, good, true).verdict, Verdict::kInconclusive);
  CHECK(has(conclude({}, good, true).reasons.at(0), "no budget declared"));
  CHECK_EQ(conclude({met}, good, false).verdict, Verdict::kInconclusive);
  for (const Grade grade : {Grade::kFail, Grade::kWarn, Grade::kUnknown}) {
    bad.push_back(row(grade, true));
    const Conclusion forced = conclude({met}, bad, true);
    CHECK_EQ(forced.verdict, Verdict::kInconclusive);
    CHECK(has(forced.reasons.at(0), "audit: a row"));
    CHECK_EQ(conclude({missed}, bad, true).verdict, Verdict::kFail);
    bad.pop_back();
  }
  CHECK_EQ(exit_code(Verdict::kPass), 0);
  CHECK_EQ(exit_code(Verdict::kFail), 1);
  CHECK_EQ(exit_code(Verdict::kInconclusive), 3);
}
