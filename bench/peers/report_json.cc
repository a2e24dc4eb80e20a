// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

json row_json(const Row& row) {
  json entry = {
      {"dtype", row.dtype}, {"model", row.model},           {"version", row.version}, {"interleaved", !row.elsewhere},
      {"count", row.count}, {"central_ns", row.central_ns}, {"p50_ns", row.p50_ns},   {"p99_ns", row.p99_ns}};
  if (!row.elsewhere) {
    entry["largest_difference"] = row.agreement.largest;
    entry["argmax_agreement"] = row.agreement.argmax_share;
  }
  if (row.ours) entry["path"] = row.path;
  else entry["system"] = row.system;
  return entry;
}

}  // namespace

std::string comparison_json(const Comparison& comparison) {
  json peers = json::array(), ours = json::array(), wrong = json::array(), skipped = json::array(), timers;
  for (const ModelResult& result : comparison.models) {
    timers[result.model] = result.timer_ns;
    for (const Row& row : result.rows) {
      if (row.timed) (row.ours ? ours : peers).push_back(row_json(row));
      else if (!row.agreement.wrong.empty())
        wrong.push_back(
            {{"system", row.system}, {"dtype", row.dtype}, {"model", row.model}, {"why", row.agreement.wrong}});
    }
  }
  for (const Skipped& entry : comparison.skipped) skipped.push_back({{"system", entry.system}, {"why", entry.why}});
  const json report = {{"schema", "tickmlp-peers-1"},
                       {"timer_ns", comparison.models.empty() ? 0 : comparison.models[0].timer_ns},
                       {"timers_ns", timers},
                       {"core", comparison.core},
                       {"processor", comparison.processor},
                       {"clock_step_ns", comparison.clock_step_ns},
                       {"peers", peers},
                       {"ours", ours},
                       {"wrong", wrong},
                       {"skipped", skipped}};
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tickmlp::bench
