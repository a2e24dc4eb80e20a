// SPDX-License-Identifier: Apache-2.0
// Budgets in a file that is kept in git beside the model: TOML or JSON, one table for each scenario.
#ifndef TICKMLP_BENCH_BUDGET_FILE_H_
#define TICKMLP_BENCH_BUDGET_FILE_H_
#include <string>
#include <string_view>
#include <vector>

#include "certify/budget.h"

namespace tickmlp::bench {

// [full-hot]            {"full-hot": {"p99": "1us",
// p99 = "1us"                         "p99.9": "5us"}}
// "p99.9" = "5us"
// Each returns "" or the first thing wrong, as "line 3: what was seen: what was expected"; good budgets before it are
// appended. A key twice, an unknown one, anything but a time in quotes, a table without a budget: all are wrong.
std::string parse_budget_toml(std::string_view text, std::vector<Budget>* budgets);
std::string parse_budget_json(std::string_view text, std::vector<Budget>* budgets);

// Reads a file whose name ends in .toml or .json and appends what it declares. Anything else is wrong usage (exit 2);
// a file that cannot be read, is larger than 1 MiB, or is wrong inside is refused (exit 4) with its name and line.
void read_budget_file(const std::string& path, std::vector<Budget>* budgets);

}  // namespace tickmlp::bench
#endif
