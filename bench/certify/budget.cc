// SPDX-License-Identifier: Apache-2.0
#include "certify/budget.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "cli.h"
#include "measure/scenario.h"
#include "measure/statistics.h"

namespace tickmlp::bench {
namespace {

constexpr double kLargestBudgetNs = 1e12;  // a thousand seconds: beyond it somebody mistook the unit

// The id as the run gives it, PATH-REGIME with one name for one rate; "" when there is no such scenario. Which of them
// are measured is the run's affair; this finds what is misspelt before minutes are spent.
std::string scenario_id(const std::string& id) {
  if (id == "soak") return id;
  const std::string path = id.substr(0, 5), regime = id.substr(path.size());
  std::vector<Scenario> scenarios;
  if ((path != "full-" && path != "tick-") || regime == "all" || regime.find(',') != regime.npos) return "";
  return parse_scenarios(regime, &scenarios).empty() ? path + scenarios.back().name : "";
}

// "1.5us" to ns, to 0.01 ns; 0 when it is no time.
double parse_time(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number > 0)) return 0;
  const std::string unit(end, text.data() + text.size());
  for (const auto& [name, factor] : {std::pair{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}})
    if (unit == name) return hundredths(number * factor);
  return 0;
}

std::string parse_budget(const std::string& text, const std::string& default_scenario, std::vector<Budget>* budgets) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos)
    return in_quotes(text) + ": expected [SCENARIO:]FIGURE=TIME such as p99=1us or tick-hot:p99=200ns";
  const std::size_t colon = text.find(':');
  const bool named = colon < equals;
  const std::size_t begin = named ? colon + 1 : 0;
  return add_budget(named ? text.substr(0, colon) : default_scenario, text.substr(begin, equals - begin),
                    text.substr(equals + 1), budgets);
}

}  // namespace

std::string add_budget(const std::string& scenario, const std::string& figure, const std::string& time,
                       std::vector<Budget>* budgets) {
  const std::string id = scenario_id(scenario);
  if (id.empty())
    return "unknown scenario " + in_quotes(scenario) +
           ": expected full- or tick- and a regime, such as full-hot, tick-evicted, full-spaced-100us, "
           "full-response-poisson-100k or full-sessions-2, or soak";
  if (!known_figure(figure)) return "unknown figure " + in_quotes(figure) + ": expected one of " + figure_names();
  const double ns = parse_time(time);
  if (!(ns > 0))
    return in_quotes(time) + " is no time: expected a positive number and its unit ns, us, ms or s, as in 1.5us";
  if (ns > kLargestBudgetNs) return in_quotes(time) + " is too long: expected at most 1000s";
  for (const Budget& other : *budgets)
    if (other.scenario == id && other.figure == figure)
      return "two budgets for " + figure + " of " + id + ": expected one";
  budgets->push_back({id, figure, ns});
  return "";
}

std::string parse_budgets(const std::string& text, const std::string& default_scenario, std::vector<Budget>* budgets) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (const std::string wrong = parse_budget(text.substr(begin, end - begin), default_scenario, budgets);
        !wrong.empty())
      return wrong;
    begin = end + 1;
  }
  return "";
}

double tightest_ns(const std::vector<Budget>& budgets) {
  const auto least =
      std::min_element(budgets.begin(), budgets.end(), [](const Budget& a, const Budget& b) { return a.ns < b.ns; });
  return least == budgets.end() ? 0 : least->ns;
}

std::string in_quotes(std::string_view text) { return "\"" + printable(text) + "\""; }

}  // namespace tickmlp::bench
