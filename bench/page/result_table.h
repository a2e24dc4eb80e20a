// SPDX-License-Identifier: Apache-2.0
// The table of scenarios with all their figures.
#ifndef TICKMLP_BENCH_PAGE_RESULT_TABLE_H_
#define TICKMLP_BENCH_PAGE_RESULT_TABLE_H_
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tickmlp::bench {

// Every figure of each scenario; below it the 95 % interval and the range over re-runs.
std::string result_table(const std::string& caption, const std::vector<const nlohmann::json*>& scenarios);

}  // namespace tickmlp::bench
#endif
