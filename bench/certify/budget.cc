// SPDX-License-Identifier: Apache-2.0
#include "certify/budget.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr double kStepsToResolve = 20;
constexpr double kLargestBudgetNs = 1e12;  // a thousand seconds: beyond it somebody mistook the unit
constexpr const char* kExample = "expected FIGURE=TIME such as p99=1us";

bool known_figure(const std::string& figure) {
  if (figure == "central" || figure == "min" || figure == "max") return true;
  return std::any_of(kPercentiles.begin(), kPercentiles.end(), [&](const Percentile& p) { return figure == p.name; });
}

// "1.5us" to ns; negative when it is no time.
double parse_time(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number > 0)) return -1;
  const std::string unit(end, text.data() + text.size());
  for (const auto& [name, factor] : {std::pair{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}})
    if (unit == name) return number * factor;
  return -1;
}

std::string parse_budget(const std::string& text, std::vector<Budget>* budgets) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return "\"" + printable(text) + "\": " + kExample;
  const Budget budget{text.substr(0, equals), parse_time(text.substr(equals + 1))};
  if (!known_figure(budget.figure))
    return "unknown figure \"" + printable(budget.figure) +
           "\": expected central, min, p50, p90, p95, p99, p99.9, p99.99, p99.999 or max";
  if (budget.ns < 0)
    return "\"" + printable(text.substr(equals + 1)) + "\" is no time: expected a positive number and ns, us, ms or s";
  if (budget.ns > kLargestBudgetNs) return "\"" + printable(text) + "\" is more than 1000 s";
  for (const Budget& other : *budgets)
    if (other.figure == budget.figure) return "two budgets for " + budget.figure;
  budgets->push_back(budget);
  return "";
}

double rounded(double ns) { return std::round(ns * 100) / 100; }

// Fills value and interval; false when there are too few samples.
bool find_figure(const std::string& figure, const tickmlp_recorder& recorder, const std::vector<double>& epochs,
                 Judgement* judgement) {
  if (recorder.count == 0) return false;
  if (figure == "central") {
    judgement->value = rounded(tickmlp_recorder_central(&recorder));
    const Interval spread = epoch_interval(epochs);
    judgement->interval = {std::min(judgement->value, rounded(spread.low)),
                           std::max(judgement->value, rounded(spread.high))};
    return true;
  }
  if (figure == "min" || figure == "max") {
    judgement->value = static_cast<double>(figure == "min" ? recorder.minimum : recorder.maximum);
    judgement->interval = {judgement->value, judgement->value};
    return true;
  }
  for (const Percentile& percentile : kPercentiles) {
    if (figure != percentile.name) continue;
    const auto found = figure_of(recorder, percentile);
    if (!found) return false;
    judgement->value = static_cast<double>(found->value);
    judgement->interval = found->interval;
  }
  return true;
}

Verdict compare(const Interval& interval, double budget) {
  if (interval.low > budget) return Verdict::kFail;
  return interval.high <= budget ? Verdict::kPass : Verdict::kInconclusive;
}

std::string explain(const Judgement& judgement) {
  const Interval& interval = judgement.interval;
  std::string range = describe_ns(interval.low);
  if (interval.high != interval.low) range += " to " + describe_ns(interval.high);
  const std::string head = judgement.budget.figure + " " + describe_ns(judgement.value) + " (" + range + ")";
  const std::string budget = "the budget of " + describe_ns(judgement.budget.ns);
  switch (judgement.verdict) {
    case Verdict::kPass: return head + " is within " + budget;
    case Verdict::kFail: return head + " exceeds " + budget;
    case Verdict::kInconclusive: return head + " cannot be told from " + budget;
  }
  return head;
}

// The cases below 20 clock steps.
void resolve_with_central(const Budget& budget, const tickmlp_recorder& recorder, const std::vector<double>& epochs,
                          const tickmlp_clock& clock, Judgement* judgement) {
  Judgement central{{"central", budget.ns}, Verdict::kInconclusive, true, 0, {0, 0}, ""};
  find_figure("central", recorder, epochs, &central);
  central.verdict = compare(central.interval, budget.ns);
  const std::string note = "; below 20 clock steps of " + std::to_string(clock.step_ns) + " ns ";
  if (budget.figure == "min" || budget.figure == "p50") {
    judgement->interval = central.interval;
    judgement->verdict = central.verdict;
    judgement->why = explain(central) + note + "central decides for " + budget.figure;
    return;
  }
  const auto step = static_cast<double>(clock.step_ns);
  judgement->interval.low = std::max(0.0, judgement->interval.low - step);
  judgement->interval.high += step;
  judgement->verdict = compare(judgement->interval, budget.ns);
  judgement->why = explain(*judgement) + note + "the interval is one step wider each way";
  if (central.verdict != Verdict::kPass && judgement->verdict != Verdict::kFail) {
    judgement->verdict = central.verdict;
    judgement->why += ", and " + explain(central);
  }
}

}  // namespace

std::string parse_budgets(const std::string& text, std::vector<Budget>* budgets) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (const std::string wrong = parse_budget(text.substr(begin, end - begin), budgets); !wrong.empty()) return wrong;
    begin = end + 1;
  }
  return "";
}

std::string describe_ns(double ns) {
  char text[48];
  if (ns < 1e4) std::snprintf(text, sizeof text, "%.10g ns", ns);
  else if (ns < 1e7) std::snprintf(text, sizeof text, "%.6g us", ns / 1e3);
  else if (ns < 1e10) std::snprintf(text, sizeof text, "%.6g ms", ns / 1e6);
  else std::snprintf(text, sizeof text, "%.6g s", ns / 1e9);
  return text;
}

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass: return "PASS";
    case Verdict::kFail: return "FAIL";
    case Verdict::kInconclusive: return "INCONCLUSIVE";
  }
  return "INCONCLUSIVE";
}

int exit_code(Verdict verdict) {
  return verdict == Verdict::kPass ? kPass : verdict == Verdict::kFail ? kFail : kInconclusive;
}

Judgement judge(const Budget& budget, const tickmlp_recorder& recorder, const std::vector<double>& epoch_central,
                const tickmlp_clock& clock) {
  Judgement judgement{budget, Verdict::kInconclusive, false, 0, {0, 0}, ""};
  judgement.measured = find_figure(budget.figure, recorder, epoch_central, &judgement);
  if (!judgement.measured) {
    judgement.why = "too few samples (" + std::to_string(recorder.count) + ") for " + budget.figure;
    return judgement;
  }
  if (budget.figure != "central" && budget.ns < kStepsToResolve * static_cast<double>(clock.step_ns)) {
    resolve_with_central(budget, recorder, epoch_central, clock, &judgement);
    return judgement;
  }
  judgement.verdict = compare(judgement.interval, budget.ns);
  judgement.why = explain(judgement);
  return judgement;
}

Conclusion conclude(const std::vector<Judgement>& judgements, const std::vector<AuditRow>& audit, bool complete) {
  if (!complete) return {Verdict::kInconclusive, {"stopped before the end"}};
  if (judgements.empty()) return {Verdict::kInconclusive, {"no budget declared"}};
  Conclusion failing{Verdict::kFail, {}}, open{Verdict::kInconclusive, {}}, met{Verdict::kPass, {}};
  for (const Judgement& judgement : judgements) {
    Conclusion& side = judgement.verdict == Verdict::kFail           ? failing
                       : judgement.verdict == Verdict::kInconclusive ? open
                                                                     : met;
    side.reasons.push_back(judgement.why);
  }
  if (!failing.reasons.empty()) return failing;
  for (const AuditRow& row : audit)
    if (row.forcing && row.grade != Grade::kPass) open.reasons.push_back("audit: " + row.name + ": " + row.seen);
  return open.reasons.empty() ? met : open;
}

}  // namespace tickmlp::bench
