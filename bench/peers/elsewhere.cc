// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "report.h"

namespace tickmlp::bench {
namespace {

Row read_row(const nlohmann::json& entry) {
  Row row{entry.at("system"), entry.at("version"), entry.at("dtype"), "full", entry.at("model"), false, {}};
  row.elsewhere = row.timed = true;
  row.central_ns = entry.at("central_ns");
  row.p50_ns = entry.at("p50_ns");
  row.p99_ns = entry.at("p99_ns");
  row.count = entry.at("count");
  return row;
}

}  // namespace

void add_elsewhere(const std::string& path, Comparison* comparison) {
  try {
    std::ifstream file(path);
    if (!file) refuse("cannot read " + printable(path));
    for (const auto& entry : nlohmann::json::parse(file)) {
      const Row row = read_row(entry);
      for (ModelResult& result : comparison->models)
        if (result.model == row.model) result.rows.push_back(row);
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(printable(path) + ": " + error.what());
  }
}

}  // namespace tickmlp::bench
