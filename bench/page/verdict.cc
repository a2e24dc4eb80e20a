// SPDX-License-Identifier: Apache-2.0
// The top of the page: what was found, and what was asked.
#include <cstdio>

#include "certify/budget.h"
#include "page/charts.h"
#include "page/html.h"
#include "page/page.h"
#include "soak/soak.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string meaning(const std::string& verdict) {
  if (verdict == "PASS") return "Every budget is met, with what the measurement leaves uncertain counted against it.";
  if (verdict == "FAIL") return "A budget is exceeded, and no uncertainty of the measurement explains it.";
  return "This run on this machine cannot decide whether the budgets are met, for these reasons:";
}

const json& scenario_by_id(const json& document, const std::string& id) {
  for (const json& scenario : field(document, "scenarios"))
    if (field(scenario, "id") == id) return scenario;
  static const json nothing;
  return nothing;
}

std::string card(const std::string& figure, const std::string& what) {
  return element("div", "card", element("b", "", figure) + element("span", "", what)) + "\n";
}

std::string ratio_text(const json& ratio) {
  const auto value = number(ratio);
  return value ? fixed_point(*value, *value < 1 ? 3 : 2) + " ×" : "-";
}

// The five figures that a reader looks for first.
std::string cards(const json& document) {
  const json &full = scenario_by_id(document, "full-hot"), &tick = scenario_by_id(document, "tick-hot");
  std::string out = card(shown_time(field(full, "p50_ns")), "p50, full path, back to back") +
                    card(shown_time(field(full, "p99_ns")), "p99 of the same") +
                    card(shown_time(field(full, "p99_9_ns")), "p99.9 of the same");
  if (tick.is_object()) out += card(shown_time(field(tick, "p50_ns")), "p50, tick path: only the newest row is new");
  out += card(ratio_text(field(document, "ratios", "full_to_memory_floor")),
              "the memory floor: the weights read once, nothing computed");
  return element("div", "cards", out);
}

std::string reasons(const json& document) {
  std::string out;
  for (const json& reason : field(document, "reasons")) out += element("li", "", shown(reason)) + "\n";
  return out.empty() ? "" : element("ul", "reasons", out);
}

// " (0.103 %)"; three digits, so that one call in a million shows.
std::string share_of(const json& budget) {
  const auto ppm = number(field(budget, "share_above_ppm"));
  if (!ppm) return "";
  char text[32];
  std::snprintf(text, sizeof text, " (%.3g %%)", *ppm / 1e4);
  return text;
}

}  // namespace

std::string verdict_part(const json& document) {
  const json& word = field(document, "verdict");
  const std::string verdict = word.is_string() ? word.get<std::string>() : "-";
  std::string out =
      "<h2 id=\"verdict\">" + badge(verdict) + "</h2>\n" + element("p", "lead", meaning(verdict)) + reasons(document);
  if (field(document, "complete") == false) {
    const json& signal = field(document, "interrupt_signal");
    out += element("p", "warning",
                   "Incomplete: the measurement was stopped before its end" +
                       (signal.is_null() ? "" : " by signal " + shown(signal)) +
                       ". What follows is what it had until then.");
  }
  if (const json& wrong = field(document, "correctness", "mismatch"); !wrong.is_null())
    out += element("p", "warning", "Wrong results, so nothing was timed: " + shown(wrong));
  const std::string kind = verdict == "PASS" ? "good" : verdict == "FAIL" ? "bad" : "open";
  return "<section class=\"verdict " + kind + "\" aria-labelledby=\"verdict\">\n" + out + "</section>\n" +
         cards(document);
}

std::string budget_part(const json& document) {
  const json& budgets = field(document, "budgets");
  if (!budgets.is_array() || budgets.empty())
    return section("budgets", "What was asked",
                   element("p", "",
                           "No budget was declared, so no verdict is possible. One is declared with "
                           "<code>--budget p99=1us</code>."));
  std::string out = element(
      "p", "",
      "A budget is met when the whole deciding interval lies within it. That interval is the wider of two: the 95 % "
      "order-statistic interval over all samples, and the range of the figure over whole re-runs. A budget of the soak "
      "is met when it is met by that order-statistic interval in every interval of time. Each sign says what the times "
      "say by themselves; the verdict above counts the audit too.");
  int index = 0;
  for (const json& budget : budgets) {
    const json &verdict = field(budget, "verdict"), &id = field(budget, "scenario");
    const json& name = field(scenario_by_id(document, id.is_string() ? id.get<std::string>() : ""), "name");
    const std::string of = id == kSoakId ? "soak, each interval" : name.is_null() ? shown(id) : shown(name);
    std::string text = "<h3>" + badge(verdict.is_string() ? verdict.get<std::string>() : "-") + " " +
                       shown(field(budget, "figure")) + " within " + shown_time(field(budget, "budget_ns")) + "</h3>" +
                       element("p", "", of + ". " + shown(field(budget, "why")) + ".");
    if (const json& above = field(budget, "above_budget"); above.is_number())
      text += element("p", "note",
                      shown(above) + " of " + shown(field(budget, "count")) + " calls" + share_of(budget) +
                          " took longer than the budget.");
    out += element(
        "article", "budget-row",
        element("div", "", text) + element("div", "", budget_drawing("budget-" + std::to_string(++index), budget)));
  }
  return section("budgets", "What was asked", out);
}

}  // namespace tickmlp::bench
