// SPDX-License-Identifier: Apache-2.0
// `tickmlp throughput` as a table and as JSON.
#include <nlohmann/json.hpp>

#include "text_table.h"
#include "batch/throughput.h"

namespace tickmlp::bench {

using nlohmann::json;

std::string throughput_table(const ThroughputReport& report) {
  const tickmlp_model_info& model = *report.model;
  const bool peak = report.peak.run != nullptr;
  std::string text =
      std::string("tickmlp throughput: ") + model.name + " with " + model.kernel + ", core " +
      std::to_string(report.core) + "\n  one state: " + std::to_string(model.inputs) + " inputs x " +
      std::to_string(model.lanes) + " lanes and " + with_commas(static_cast<std::uint64_t>(report.layer2)) +
      " of layer 2 = " + with_commas(static_cast<std::uint64_t>(report.layer1 + report.layer2)) + " multiply-adds\n";
  text += peak ? std::string("  peak: ") + report.peak.instruction + " on registers, timed in turns with the batches\n"
               : std::string("  peak: none for a scalar kernel\n");
  std::vector<std::vector<std::string>> rows = {
      {"states", "ns/state", "p10", "p90", "one at a time", "faster", "multiply-adds/ns", "peak", "of peak"}};
  for (const Throughput& row : report.rows)
    rows.push_back({with_commas(row.states), fixed_point(row.batch_ns, 1), fixed_point(row.low_ns, 1),
                    fixed_point(row.high_ns, 1), fixed_point(row.one_ns, 1),
                    fixed_point(row.one_ns / row.batch_ns, 2) + " x", fixed_point(row.rate, 1),
                    peak ? fixed_point(row.peak_rate, 1) : "-", peak ? fixed_point(row.of_peak, 3) : "-"});
  return text + columns(rows, 2, 0);
}

std::string throughput_json(const ThroughputReport& report) {
  const tickmlp_model_info& model = *report.model;
  const bool peak = report.peak.run != nullptr;
  json rows = json::array();
  for (const Throughput& row : report.rows)
    rows.push_back({{"states", row.states},
                    {"epochs", row.epochs},
                    {"ns_per_state", row.batch_ns},
                    {"p10_ns_per_state", row.low_ns},
                    {"p90_ns_per_state", row.high_ns},
                    {"one_at_a_time_ns_per_state", row.one_ns},
                    {"multiply_adds_per_ns", row.rate},
                    {"peak_multiply_adds_per_ns", peak ? json(row.peak_rate) : json()},
                    {"of_peak", peak ? json(row.of_peak) : json()}});
  const json all{
      {"schema", "tickmlp-throughput/0"},
      {"tool", {{"version", tickmlp_version()}, {"compiler", __VERSION__}}},
      {"command", report.command},
      {"model",
       {{"name", model.name},
        {"dtype", dtype_name(model.type)},
        {"blob_sha256", hexadecimal(model.blob_sha256)},
        {"inputs", model.inputs},
        {"lanes", model.lanes}}},
      {"kernel", model.kernel},
      {"core", report.core},
      {"multiply_adds_per_state",
       {{"layer1", static_cast<std::uint64_t>(report.layer1)}, {"layer2", static_cast<std::uint64_t>(report.layer2)}}},
      {"peak_instruction", peak ? json(report.peak.instruction) : json()},
      {"batches", rows}};
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tickmlp::bench
