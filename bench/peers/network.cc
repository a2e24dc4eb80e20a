// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "npy.h"

namespace tickmlp::bench {
namespace {

std::vector<float> read_matrix(const Network& network, const char* name, std::uint64_t rows, std::uint64_t columns) {
  const std::string path = network.folder + "/" + name + ".npy";
  Matrix matrix = read_npy(path, columns);
  if (matrix.rows != rows)
    refuse(path + ": " + std::to_string(matrix.rows) + " rows, expected " + std::to_string(rows));
  return std::move(matrix.values);
}

void read_description(const nlohmann::json& json, Network* network) {
  network->name = json.at("name");
  network->parts = json.at("parts").get<std::vector<std::uint32_t>>();
  for (const std::uint32_t width : network->parts) network->inputs += width;
  const auto& high = json.at("clamp_high");
  network->clamp_high = high.is_null() ? std::numeric_limits<float>::infinity() : high.get<float>();
  for (const auto& entry : json.at("heads")) {
    network->heads.push_back({entry.at("name"), entry.at("hidden"), entry.at("outputs"), network->lanes,
                              network->outputs, entry.at("softmax")});
    network->lanes += network->heads.back().hidden;
    network->outputs += network->heads.back().outputs;
  }
}

}  // namespace

Network read_network(const std::string& folder) {
  Network network;
  network.folder = folder;
  const std::string path = folder + "/network.json";
  try {
    std::ifstream file(path);
    if (!file) refuse(printable(path) + " is missing; expected what scripts/compare_peers makes");
    read_description(nlohmann::json::parse(file), &network);
  } catch (const nlohmann::json::exception& error) {
    refuse(printable(path) + ": " + error.what());
  }
  network.w1 = read_matrix(network, "w1", network.inputs, network.lanes);
  network.start = read_matrix(network, "start", 1, network.lanes);
  network.w2 = read_matrix(network, "w2", network.lanes, network.outputs);
  network.start2 = read_matrix(network, "start2", 1, network.outputs);
  network.codes = read_matrix(network, "codes", network.inputs, network.lanes);
  network.int8_start = read_matrix(network, "int8_start", 1, network.lanes);
  network.lane_scale = read_matrix(network, "lane_scale", 1, network.lanes);
  network.input_scale = read_matrix(network, "input_scale", 1, network.inputs);
  return network;
}

}  // namespace tickmlp::bench
