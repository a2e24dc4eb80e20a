// SPDX-License-Identifier: Apache-2.0
// One model's weights as plain dense matrices: the same numbers for every system.
#ifndef TICKMLP_BENCH_PEERS_NETWORK_H_
#define TICKMLP_BENCH_PEERS_NETWORK_H_
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

struct NetworkHead {
  std::string name;
  std::uint32_t hidden, outputs, lane_begin, output_begin;
  bool softmax;
};

// Row-major, heads side by side. The int8 numbers are those of our int8 blob; they are whole, and held as floats.
struct Network {
  std::string name, folder;
  std::vector<std::uint32_t> parts;  // widths of the inputs of the graph as exported; their sum is `inputs`
  std::uint32_t inputs = 0, lanes = 0, outputs = 0;
  float clamp_high = 0;  // of every head; infinity for plain ReLU
  std::vector<NetworkHead> heads;
  std::vector<float> w1, start, w2, start2;  // [inputs][lanes], [lanes], [lanes][outputs], [outputs]
  std::vector<float> codes, int8_start, lane_scale, input_scale;  // [inputs][lanes], [lanes], [lanes], [inputs]
};

// From FOLDER/network.json and the .npy files beside it (scripts/peer_models makes them). Throws Failure (exit 4) that
// says what is missing or does not fit.
Network read_network(const std::string& folder);

}  // namespace tickmlp::bench
#endif
