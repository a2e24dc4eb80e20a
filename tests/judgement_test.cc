// SPDX-License-Identifier: Apache-2.0
// The rules of the verdict: one budget against measured re-runs, and all budgets with the audit.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "certify/conclusion.h"

using namespace tickmlp::bench;

namespace {

using Samples = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // count, value

constexpr std::uint64_t kStep = 10;

Run run_of(const Samples& samples, int epochs = 1) {
  tickmlp_recorder recorder;
  tickmlp_recorder_reset(&recorder);
  for (const auto& [count, value] : samples)
    for (std::uint64_t i = 0; i < count; ++i) tickmlp_recorder_record(&recorder, value);
  return Run(static_cast<std::size_t>(epochs), TimedBlock{0, 0, histogram_of(recorder)});
}

SeriesEvidence equal_runs(const Samples& samples, std::size_t runs = kFewestRuns) {
  return {std::vector<Run>(runs, run_of(samples))};
}

// Four re-runs alike and a fifth of another kind.
SeriesEvidence one_differs(const Samples& samples, const Samples& other) {
  SeriesEvidence series = equal_runs(samples, 4);
  series.runs.push_back(run_of(other));
  return series;
}

Judgement judged(const char* figure, double ns, const SeriesEvidence& series) {
  return judge({"full-hot", figure, ns}, series, kStep);
}

AuditRow row(const char* name, Grade grade, bool forcing = true) {
  return {name, grade, "what was read", "why it matters", "how to mend it", forcing};
}

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("an interval decides") {
  const SeriesEvidence series = equal_runs({{20'000, 600}});
  CHECK_EQ(judged("p99", 1000, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("p99", 600, series).verdict, Verdict::kPass);  // within: not above
  CHECK_EQ(judged("p99", 599, series).verdict, Verdict::kFail);
  CHECK_EQ(judged("max", 599, series).verdict, Verdict::kFail);
  CHECK_EQ(judged("min", 600, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("mean", 600, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("mean", 599.5, series).verdict, Verdict::kFail);
  // 1 % of the samples is slow: whether p99 is cannot be told, in any re-run.
  const Judgement open = judged("p99", 1000, equal_runs({{19'800, 600}, {200, 5000}}));
  CHECK_EQ(open.verdict, Verdict::kInconclusive);
  CHECK(has(open.why, "full-hot p99 600 ns (600 ns to 5055 ns) cannot be told from the budget of 1000 ns"));
  CHECK_EQ(open.count, 100'000);
  CHECK_EQ(open.above, 1000);
  // 2 % of them: p99 is slow, and some calls were fast enough all the same.
  const Judgement missed = judged("p99", 1000, equal_runs({{19'600, 600}, {400, 5000}}));
  CHECK_EQ(missed.verdict, Verdict::kFail);
  CHECK_FALSE(missed.every_above);
  CHECK(has(missed.why, "exceeds the budget"));
}

TEST_CASE("re-runs that differ decide over any one's own interval") {
  const SeriesEvidence series = one_differs({{20'000, 600}}, {{20'000, 900}});
  const Judgement open = judged("p50", 800, series);
  CHECK_EQ(open.value, 600);  // all samples together would have passed
  CHECK_EQ(open.interval.high, 900);
  CHECK_EQ(open.verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("p50", 900, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("p50", 599, series).verdict, Verdict::kFail);
  CHECK_EQ(judged("central", 800, series).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("mean", 800, series).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("min", 800, series).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("max", 800, series).verdict, Verdict::kInconclusive);
}

TEST_CASE("too few re-runs or samples are told, and no verdict comes of them") {
  const Judgement four = judged("p99", 1000, equal_runs({{20'000, 600}}, 4));
  CHECK_EQ(four.verdict, Verdict::kInconclusive);
  CHECK(four.measured);
  CHECK(has(four.why, "too few re-runs (4)"));
  SeriesEvidence empty_fifth = equal_runs({{20'000, 600}}, 4);
  empty_fifth.runs.emplace_back();
  CHECK(has(judged("p99", 1000, empty_fifth).why, "too few re-runs (4)"));
  const Judgement few = judged("p99.9", 1000, equal_runs({{20, 600}}));
  CHECK_FALSE(few.measured);
  CHECK(has(few.why, "too few samples (100) for full-hot p99.9: 3,688 are needed in each of at least 5 re-runs"));
  // Enough together, too few in one of them.
  const Judgement lame = judged("p99.9", 1000, one_differs({{20'000, 600}}, {{3687, 600}}));
  CHECK_EQ(lame.verdict, Verdict::kInconclusive);
  CHECK(has(lame.why, "too few samples (3,687 in one re-run)"));
  CHECK_EQ(judged("p99.9", 1000, one_differs({{20'000, 600}}, {{3688, 600}})).verdict, Verdict::kPass);
}

TEST_CASE("FAIL needs no re-runs when not even the fastest call met the budget") {
  const Judgement one = judged("p99.9", 400, equal_runs({{100, 600}}, 1));
  CHECK_EQ(one.verdict, Verdict::kFail);
  CHECK(one.every_above);
  CHECK_FALSE(one.measured);
  CHECK_EQ(one.above, 100);
  CHECK(has(one.why, "not even the fastest of 100 calls (600 ns) met it"));
  CHECK_FALSE(judged("p99.9", 600, equal_runs({{100, 600}}, 1)).every_above);
  // A clock that steps by 10 ns may show 70 for a call of 61: below 20 steps a step is given away.
  CHECK_FALSE(judged("p99", 61, equal_runs({{1000, 70}}, 1)).every_above);
  CHECK(judged("p99", 59, equal_runs({{1000, 70}}, 1)).every_above);
}

TEST_CASE("what was not measured, or is saturated, has no verdict") {
  const Evidence evidence{{"full-hot", equal_runs({{20'000, 600}})},
                          {"full-response-poisson-1m", equal_runs({{20'000, 600}})}};
  const auto judgements =
      judge_all({{"full-hot", "p99", 1000}, {"tick-hot", "p99", 1000}, {"full-response-poisson-1m", "p99", 1}},
                evidence, {"full-response-poisson-1m"}, kStep);
  REQUIRE_EQ(judgements.size(), 3);
  CHECK_EQ(judgements[0].verdict, Verdict::kPass);
  CHECK_EQ(judgements[1].verdict, Verdict::kInconclusive);
  CHECK(has(judgements[1].why, "tick-hot was not measured"));
  CHECK_EQ(judgements[2].verdict, Verdict::kInconclusive);
  CHECK_FALSE(judgements[2].every_above);
  CHECK(has(judgements[2].why, "full-response-poisson-1m is saturated"));
}

TEST_CASE("an unknown figure never passes") {
  const Judgement unknown = judged("p98", 1e9, equal_runs({{20'000, 600}}));
  CHECK_EQ(unknown.verdict, Verdict::kInconclusive);
  CHECK_FALSE(unknown.measured);
  CHECK(has(unknown.why, "unknown figure \"p98\""));
}

TEST_CASE("below 20 clock steps central_ns decides, and tails get a step more") {
  // The clock shows 60 or 70: p50 reads 70, the truth lies at 66.
  const SeriesEvidence series = equal_runs({{4000, 60}, {6000, 70}});
  CHECK_EQ(judged("p50", 67, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("p50", 65, series).verdict, Verdict::kFail);
  CHECK(has(judged("p50", 67, series).why, "central decides"));
  CHECK_EQ(judged("p99", 80, series).verdict, Verdict::kPass);
  CHECK_EQ(judged("p99", 75, series).verdict, Verdict::kInconclusive);
  CHECK_EQ(judged("p99", 55, series).verdict, Verdict::kFail);
  CHECK(has(judged("p99", 80, series).why, "20 clock steps of 10 ns"));
  // The tail alone would pass, were central_ns not above the budget.
  const Judgement tail = judged("min", 65, series);
  CHECK_EQ(tail.verdict, Verdict::kFail);
  CHECK(has(tail.why, "full-hot central 66.25 ns"));
  CHECK_EQ(judged("mean", 66, series).verdict, Verdict::kPass);  // a mean resolves below a step
  CHECK_EQ(judged("mean", 65.99, series).verdict, Verdict::kFail);
}

TEST_CASE("the verdict: wrong bits, then interruption, then a hopeless budget, then the audit, then the budgets") {
  const Judgement met = judged("p99", 1000, equal_runs({{20'000, 600}}));
  const Judgement missed = judged("p99", 1000, equal_runs({{19'000, 600}, {1000, 5000}}));
  const Judgement hopeless = judged("p99", 500, equal_runs({{20'000, 600}}));
  const Judgement open = judged("p99", 1000, equal_runs({{20'000, 600}}, 1));
  const std::vector<AuditRow> good{row("a", Grade::kPass), row("b", Grade::kWarn, false),
                                   row("c", Grade::kFail, false)};
  const auto verdict = [](const auto& judgements, const auto& audit, const Outcome& outcome) {
    return conclude(judgements, audit, outcome).verdict;
  };
  using Judgements = std::vector<Judgement>;
  CHECK_EQ(verdict(Judgements{met}, good, {}), Verdict::kPass);
  CHECK_EQ(verdict(Judgements{met, missed}, good, {}), Verdict::kFail);
  CHECK_EQ(verdict(Judgements{open, missed}, good, {}), Verdict::kFail);
  CHECK_EQ(verdict(Judgements{met, open}, good, {}), Verdict::kInconclusive);
  CHECK_EQ(conclude({}, good, {}).verdict, Verdict::kInconclusive);
  REQUIRE_EQ(conclude({}, good, {}).reasons.size(), 1);
  CHECK(conclude({}, good, {}).reasons[0].starts_with("no budget declared: "));
  CHECK_EQ(verdict(Judgements{hopeless}, good, {"output 3 differs", 2, false}), Verdict::kFail);
  CHECK(has(conclude({met}, good, {"output 3 differs"}).reasons.at(0), "wrong results: output 3 differs"));
  CHECK_EQ(verdict(Judgements{hopeless}, good, {"", 15, false}), Verdict::kInconclusive);
  CHECK(has(conclude({met}, good, {"", 15, false}).reasons.at(0), "interrupted by signal 15"));
  CHECK_EQ(verdict(Judgements{met}, good, {"", 0, false}), Verdict::kInconclusive);
  for (const Grade grade : {Grade::kFail, Grade::kWarn, Grade::kUnknown}) {
    std::vector<AuditRow> bad = good;
    bad.push_back(row("a row", grade));
    for (const Judgements& judgements : {Judgements{met}, {missed}, {met, missed}, {open}})
      CHECK_EQ(verdict(judgements, bad, {}), Verdict::kInconclusive);
    CHECK_EQ(conclude({missed}, bad, {}).reasons.size(), 1);
    CHECK_EQ(conclude({met, open}, bad, {}).reasons.size(), 2);
    CHECK_EQ(verdict(Judgements{met, hopeless}, bad, {}), Verdict::kFail);
    CHECK_EQ(conclude({met, hopeless}, bad, {}).reasons, std::vector<std::string>{hopeless.why});
  }
  CHECK_EQ(verdict_exit_code(verdict_name(Verdict::kPass)), 0);
  CHECK_EQ(verdict_exit_code(verdict_name(Verdict::kFail)), 1);
  CHECK_EQ(verdict_exit_code(verdict_name(Verdict::kInconclusive)), 3);
}

TEST_CASE("without a budget the audit's reasons are told too, as what would have kept a budget from PASS") {
  const std::vector<AuditRow> bad{row("page faults", Grade::kPass), row("isolated core", Grade::kFail),
                                  row("virtualised", Grade::kFail), row("governor", Grade::kWarn, false)};
  Outcome outcome;
  outcome.doubts = {"the soak had a critical alert"};
  const Conclusion none = conclude({}, bad, outcome);
  CHECK_EQ(none.verdict, Verdict::kInconclusive);
  REQUIRE_EQ(none.reasons.size(), 4);
  CHECK(none.reasons[0].starts_with("no budget declared: "));
  CHECK(has(none.reasons[0], "--budget p99=2us"));
  CHECK(none.reasons[1].starts_with("with a budget, no PASS could be given either: this machine is virtual"));
  CHECK(none.reasons[2].starts_with("with a budget, no PASS could be given either: the core is not set apart"));
  CHECK(has(none.reasons[3], "the soak had a critical alert"));
  // The rest of each is word for word what it would be with one.
  const auto with = conclude({judged("p99", 1000, equal_runs({{20'000, 600}}))}, bad, outcome).reasons;
  REQUIRE_EQ(with.size(), 3);
  for (std::size_t i = 0; i < with.size(); ++i) CHECK(none.reasons[i + 1].ends_with(": " + with[i]));
}

TEST_CASE("one reason a cause, the most important first, and what was read") {
  const Judgement met = judged("p99", 1000, equal_runs({{20'000, 600}}));
  const auto reasons = conclude({met},
                                {row("brand new row", Grade::kFail), row("jitter", Grade::kWarn),
                                 row("isolated core", Grade::kFail), row("page faults", Grade::kPass),
                                 row("steal during the run", Grade::kFail), row("virtualised", Grade::kFail)},
                                {})
                           .reasons;
  REQUIRE_EQ(reasons.size(), 3);
  CHECK(reasons[0].starts_with("this machine is virtual: a hypervisor can stop it at any instant"));
  CHECK(has(reasons[0], "Run certify on the box that will trade"));
  CHECK(has(reasons[0], "(audit: virtualised: what was read; steal during the run: what was read)"));
  CHECK(reasons[1].starts_with("the core is not set apart"));
  CHECK(has(reasons[1], "jitter: what was read"));
  CHECK(has(reasons[2], "brand new row: what was read): why it matters. To mend it: how to mend it"));
  // The first of a cause that does not pass speaks for it.
  const auto alone = conclude({met}, {row("virtualised", Grade::kPass), row("steal during the run", Grade::kFail)}, {});
  REQUIRE_EQ(alone.reasons.size(), 1);
  CHECK(alone.reasons[0].starts_with("the hypervisor gave this core's time to another machine"));
}
