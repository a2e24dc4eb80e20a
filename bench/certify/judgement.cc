// SPDX-License-Identifier: Apache-2.0
#include "certify/judgement.h"

#include <algorithm>

#include "cli.h"
#include "evidence/summary.h"
#include "soak/soak.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr double kStepsToResolve = 20;

Verdict compare(const Interval& interval, double budget) {
  if (interval.low > budget) return Verdict::kFail;
  return interval.high <= budget ? Verdict::kPass : Verdict::kInconclusive;
}

std::string name_of(const Budget& budget) { return budget.scenario + " " + budget.figure; }

std::string explain(const std::string& name, double value, const Interval& interval, Verdict verdict, double budget) {
  std::string range = describe_ns(interval.low);
  if (interval.high != interval.low) range += " to " + describe_ns(interval.high);
  const char* relation = verdict == Verdict::kPass   ? "is within"
                         : verdict == Verdict::kFail ? "exceeds"
                                                     : "cannot be told from";
  return name + " " + describe_ns(value) + " (" + range + ") " + relation + " the budget of " + describe_ns(budget);
}

// Nothing when the samples suffice for a verdict.
std::string too_little(const Budget& budget, const Summary& summary) {
  const std::uint64_t fewest = fewest_samples(budget.figure);
  std::uint64_t smallest = summary.all.count;
  for (const tickmlp_recorder& run : summary.runs) smallest = std::min(smallest, run.count);
  const std::string needed = " for " + name_of(budget) + ": " + with_commas(fewest) +
                             " are needed in each of at least " + std::to_string(kFewestRuns) +
                             " re-runs. Measure more samples";
  if (summary.all.count < fewest) return "too few samples (" + with_commas(summary.all.count) + ")" + needed;
  if (summary.runs.size() < kFewestRuns)
    return "too few re-runs (" + std::to_string(summary.runs.size()) + ") for " + name_of(budget) + ": at least " +
           std::to_string(kFewestRuns) +
           " are needed, because re-runs differ by more than any one of them shows. Measure more re-runs";
  if (smallest < fewest) return "too few samples (" + with_commas(smallest) + " in one re-run)" + needed;
  return "";
}

// The budgets below 20 clock steps.
void resolve_with_central(const Summary& summary, std::uint64_t step_ns, Judgement* judgement) {
  const Budget& budget = judgement->budget;
  const double central = *figure_value(summary.all, "central");
  const Interval around = *deciding_interval(summary, "central");
  const Verdict verdict = compare(around, budget.ns);
  const std::string said = explain(budget.scenario + " central", central, around, verdict, budget.ns);
  const std::string note = "; below 20 clock steps of " + std::to_string(step_ns) + " ns ";
  if (budget.figure == "min" || budget.figure == "p50") {
    judgement->interval = around;
    judgement->verdict = verdict;
    judgement->why = said + note + "central decides for " + budget.figure;
    return;
  }
  const auto step = static_cast<double>(step_ns);
  judgement->interval = {std::max(0.0, judgement->interval.low - step), judgement->interval.high + step};
  judgement->verdict = compare(judgement->interval, budget.ns);
  judgement->why = explain(name_of(budget), judgement->value, judgement->interval, judgement->verdict, budget.ns) +
                   note + "the interval is one step wider each way";
  if (verdict != Verdict::kPass && judgement->verdict != Verdict::kFail) {
    judgement->verdict = verdict;
    judgement->why += ", and " + said;
  }
}

// Value and interval where they can be told, before any clock step widens them.
void fill(const Summary& summary, Judgement* judgement) {
  const Budget& budget = judgement->budget;
  judgement->count = summary.all.count;
  judgement->above = count_above(summary.all, budget.ns);
  const auto value = figure_value(summary.all, budget.figure);
  if (!value) return;
  judgement->measured = true;
  judgement->value = *value;
  const auto deciding = deciding_interval(summary, budget.figure);
  judgement->interval = deciding ? *deciding : *sample_interval(summary, budget.figure);
}

// 20 clock steps and more: neighbouring readings can be told apart.
bool resolves(const Budget& budget, std::uint64_t clock_step_ns) {
  return budget.ns >= kStepsToResolve * static_cast<double>(clock_step_ns);
}

// Fills in what is known, and says whether that settles it: an unknown figure, no sample, or every call above.
bool settled(const Summary& summary, std::uint64_t clock_step_ns, Judgement* judgement) {
  const Budget& budget = judgement->budget;
  if (!known_figure(budget.figure)) {  // not from the command line, which refuses it; from an edited certificate
    judgement->why = "unknown figure " + in_quotes(budget.figure) + ": expected one of " + figure_names();
    return true;
  }
  fill(summary, judgement);
  if (judgement->count == 0) {
    judgement->why = budget.scenario + " was not measured, so nothing can be said of its " + budget.figure +
                     ". Measure it, or take it out of the budgets";
    return true;
  }
  const auto step = static_cast<double>(clock_step_ns), fastest = static_cast<double>(summary.all.minimum);
  judgement->every_above = fastest - (resolves(budget, clock_step_ns) ? 0 : step) > budget.ns;
  if (!judgement->every_above) return false;
  judgement->verdict = Verdict::kFail;
  judgement->why = name_of(budget) + (judgement->measured ? " " + describe_ns(judgement->value) : "") +
                   " exceeds the budget of " + describe_ns(budget.ns) + ": not even the fastest of " +
                   with_commas(judgement->count) + " calls (" + describe_ns(fastest) + ") met it";
  return true;
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass: return "PASS";
    case Verdict::kFail: return "FAIL";
    case Verdict::kInconclusive: return "INCONCLUSIVE";
  }
  return "INCONCLUSIVE";
}

int verdict_exit_code(const std::string& verdict) {
  return verdict == "PASS" ? kPass : verdict == "FAIL" ? kFail : kInconclusive;
}

Judgement judge(const Budget& budget, const SeriesEvidence& series, std::uint64_t clock_step_ns) {
  const Summary summary = summarise(series);
  Judgement judgement{.budget = budget};
  if (settled(summary, clock_step_ns, &judgement)) return judgement;
  const bool resolved = resolves(budget, clock_step_ns);
  if (judgement.why = too_little(budget, summary); !judgement.why.empty()) return judgement;
  if (!resolved && budget.figure != "central" && budget.figure != "mean") {
    resolve_with_central(summary, clock_step_ns, &judgement);
    return judgement;
  }
  judgement.verdict = compare(judgement.interval, budget.ns);
  judgement.why = explain(name_of(budget), judgement.value, judgement.interval, judgement.verdict, budget.ns);
  return judgement;
}

Judgement judge_intervals(const Budget& budget, const SeriesEvidence& series, std::uint64_t clock_step_ns) {
  Judgement judgement{.budget = budget};
  if (settled(summarise(series), clock_step_ns, &judgement)) return judgement;
  const bool exact = resolves(budget, clock_step_ns) || budget.figure == "central" || budget.figure == "mean";
  const double wider = exact ? 0 : static_cast<double>(clock_step_ns);
  std::size_t intervals = 0, above = 0, silent = 0;
  int in_a_row = 0;
  bool exceeded = false;
  judgement.measured = false;
  for (const TimedBlock& block : series.runs.front()) {
    const Summary summary = summarise({{{block}}});
    const auto value = figure_value(summary.all, budget.figure);
    const auto interval = sample_interval(summary, budget.figure);
    intervals += 1;
    if (!value || !interval) {
      silent += 1;
      continue;
    }
    const double low = std::max(0.0, interval->low - wider), high = interval->high + wider;
    above += *value > budget.ns;
    in_a_row = low > budget.ns ? in_a_row + 1 : 0;
    exceeded |= in_a_row >= kCriticalInARow || low > kCriticalTimes * budget.ns;
    if (!judgement.measured || *value > judgement.value) judgement.value = *value, judgement.interval.low = low;
    judgement.interval.high = judgement.measured ? std::max(judgement.interval.high, high) : high;
    judgement.measured = true;
  }
  if (exceeded) judgement.verdict = Verdict::kFail;
  else if (silent == 0 && judgement.interval.high <= budget.ns) judgement.verdict = Verdict::kPass;
  const std::string of_all = " of " + with_commas(intervals) + " intervals";
  if (silent != 0 && !exceeded)
    judgement.why = "too few samples for " + name_of(budget) + " in " + with_commas(silent) + of_all + ": " +
                    with_commas(fewest_samples(budget.figure)) + " are needed in each. Take longer intervals";
  else
    judgement.why = "the worst interval's " +
                    explain(name_of(budget), judgement.value, judgement.interval, judgement.verdict, budget.ns) + "; " +
                    with_commas(above) + of_all + " were above it";
  return judgement;
}

std::vector<Judgement> judge_all(const std::vector<Budget>& budgets, const Evidence& evidence,
                                 const std::set<std::string>& saturated, std::uint64_t clock_step_ns) {
  static const SeriesEvidence kNothing;
  std::vector<Judgement> judgements;
  for (const Budget& budget : budgets) {
    if (saturated.contains(budget.scenario)) {
      Judgement& judgement = judgements.emplace_back(Judgement{.budget = budget});
      judgement.why =
          budget.scenario + " is saturated: calls arrive faster than they can be answered, the queue only " +
          "grows, and its " + budget.figure + " says how long was measured. Declare the budget at a lower rate";
      continue;
    }
    const auto found = evidence.find(budget.scenario);
    const SeriesEvidence& series = found == evidence.end() ? kNothing : found->second;
    judgements.push_back(budget.scenario == kSoakId ? judge_intervals(budget, series, clock_step_ns)
                                                    : judge(budget, series, clock_step_ns));
  }
  return judgements;
}

}  // namespace tickmlp::bench
