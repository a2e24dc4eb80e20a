// SPDX-License-Identifier: Apache-2.0
// The certificate's charts, each drawn from the evidence where there is some, else from the document's figures.
#ifndef TICKMLP_BENCH_PAGE_CHARTS_H_
#define TICKMLP_BENCH_PAGE_CHARTS_H_
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evidence/histogram.h"
#include "page/plot.h"

namespace tickmlp::bench {

// A series of the document: a scenario or a floor, and the name that it has in a chart.
struct ChartSeries {
  std::string id, label, css;
  const nlohmann::json* figures;
};

// What share of the calls (x, logarithmic towards 100 %) took at most how long (y). "" when nothing was measured.
std::string percentile_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                             const Evidence& evidence);

// How many calls (y, logarithmic) took how long (x). "" without evidence: percentiles alone give no histogram.
std::string histogram_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                            const Evidence& evidence, double clock_step_ns);

// The central latency of each epoch over the time of the measurement, the re-runs told apart by bands.
std::string epoch_chart(const std::string& id, const std::string& title, const std::vector<ChartSeries>& series,
                        const Evidence& evidence);

// One budget: the deciding interval as a bar against the budget, what lies beyond it shaded.
std::string budget_drawing(const std::string& id, const nlohmann::json& budget);

}  // namespace tickmlp::bench
#endif
