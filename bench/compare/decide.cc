// SPDX-License-Identifier: Apache-2.0
#include "compare/decide.h"

#include <algorithm>

#include "cli.h"
#include "text_table.h"

namespace tickmlp::bench {

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSame: return "same";
    case Outcome::kFaster: return "faster";
    case Outcome::kSlower: return "slower";
    case Outcome::kInconclusive: break;
  }
  return "inconclusive";
}

int outcome_exit_code(Outcome outcome) {
  if (outcome == Outcome::kSlower) return kFail;
  return outcome == Outcome::kInconclusive ? kInconclusive : kPass;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return 0.5 * (values[(values.size() - 1) / 2] + values[values.size() / 2]);
}

double minimum_effect_ns(double base_ns, double step_ns) {
  return std::max({kLeastShare * base_ns, kLeastNs, kResolvedSteps * step_ns});
}

namespace {

std::string signed_percent(double percent) { return (percent > 0 ? "+" : "") + fixed_point(percent, 1) + " %"; }

// Beyond the minimum effect, and the signed-rank test agrees.
Outcome outcome_of(const Decision& decision) {
  if (decision.base_ns <= 0 || !decision.shift.bounded) return Outcome::kInconclusive;
  const Shift& shift = decision.shift;
  if (shift.estimate >= decision.minimum_ns && decision.test.p_greater <= kTail) return Outcome::kSlower;
  if (shift.estimate <= -decision.minimum_ns && decision.test.p_less <= kTail) return Outcome::kFaster;
  return shift.high < decision.minimum_ns ? Outcome::kSame : Outcome::kInconclusive;
}

std::string reason(const Decision& decision) {
  const auto percent = [&](double ns) { return signed_percent(decision.percent(ns)); };
  if (decision.base_ns <= 0) return "a call takes no longer than reading the clock: there is nothing to compare";
  if (!decision.shift.bounded)
    return "too few pairs to tell chance from a difference; expected at least " + std::to_string(kFewestPairs);
  const std::string interval = percent(decision.shift.low) + " to " + percent(decision.shift.high),
                    least = fixed_point(decision.percent(decision.minimum_ns), 1) + " %";
  switch (decision.outcome) {
    case Outcome::kSlower: return "B takes longer by more than the minimum effect of " + least;
    case Outcome::kFaster: return "B takes less, by more than the minimum effect of " + least;
    case Outcome::kSame: return "the true difference lies in " + interval + ", below the minimum effect of " + least;
    case Outcome::kInconclusive: break;
  }
  return "the machine is too noisy for so few pairs: the true difference lies in " + interval +
         ", on both sides of the minimum effect of " + least + "; more --pairs, or a quieter core, would tell";
}

}  // namespace

Decision decide(const std::vector<PairOfRuns>& pairs, double step_ns) {
  std::vector<double> a, b, timers, differences;
  for (const PairOfRuns& pair : pairs) {
    a.push_back(pair.a_ns);
    b.push_back(pair.b_ns);
    differences.push_back(pair.b_ns - pair.a_ns);
    timers.insert(timers.end(), {pair.a_timer_ns, pair.b_timer_ns});
  }
  Decision decision;
  decision.a_ns = median(a);
  decision.b_ns = median(b);
  decision.timer_ns = median(timers);
  decision.base_ns = decision.a_ns - decision.timer_ns;
  decision.minimum_ns = minimum_effect_ns(decision.base_ns, step_ns);
  decision.shift = hodges_lehmann(differences, kTail);
  decision.test = signed_rank(differences);
  decision.outcome = outcome_of(decision);
  decision.why = reason(decision);
  return decision;
}

}  // namespace tickmlp::bench
