// SPDX-License-Identifier: Apache-2.0
// Budgets: how long a figure of a scenario may take at most. "full-hot:p99=1us".
#ifndef TICKMLP_BENCH_BUDGET_H_
#define TICKMLP_BENCH_BUDGET_H_
#include <string>
#include <string_view>
#include <vector>

namespace tickmlp::bench {

struct Budget {
  std::string scenario;  // a series id: "full-hot", "tick-spaced-100us"
  std::string figure;    // central, mean, min, max or a percentile's name
  double ns;             // at most 1000 s, to 0.01 ns
};

// "[SCENARIO:]FIGURE=TIME", or several, comma separated, each standing alone: what names no scenario is for
// `default_scenario`. Returns "" or what is wrong with the text; good ones are appended.
std::string parse_budgets(const std::string& text, const std::string& default_scenario, std::vector<Budget>* budgets);

// One budget in three parts; the same answer.
std::string add_budget(const std::string& scenario, const std::string& figure, const std::string& time,
                       std::vector<Budget>* budgets);

// The least of them, ns; 0 when there are none.
double tightest_ns(const std::vector<Budget>& budgets);

// What a user wrote, fit to print, in quotes.
std::string in_quotes(std::string_view text);

}  // namespace tickmlp::bench
#endif
