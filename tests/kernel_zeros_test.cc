// SPDX-License-Identifier: Apache-2.0
// Heads that read a part of the input only: layer 1 skips steps whose weights are all zero, and no bit may tell.
#include <doctest/doctest.h>

#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

// Head h keeps the weights of inputs begin[h] .. end[h] - 1.
void keep_only(RandomNetwork& model, const std::vector<std::pair<uint32_t, uint32_t>>& parts) {
  const Network& network = model.network;
  for (uint32_t h = 0; h < network.heads; ++h)
    for (uint32_t lane = network.head[h].group_begin * kGroup;
         lane < (network.head[h].group_begin + network.head[h].groups) * kGroup; ++lane)
      for (uint32_t i = 0; i < network.inputs; ++i)
        if (i < parts[h].first || i >= parts[h].second) drop_weight(model, lane, i);
  model.bind();
}

}  // namespace

TEST_CASE("heads that read a part of the input give the same bits on every kernel and path") {
  std::mt19937 random(41);
  // Two heads, four of which one is wider than a tile, and four that a short stretch takes one by one.
  const std::vector<std::vector<HeadShape>> models = {
      {{64, 3, true, kInfinity}, {40, 3, true, 6.0f}},
      {{64, 3, true, kInfinity}, {40, 3, true, 6.0f}, {272, 2, true, 6.0f}, {64, 1, false, kInfinity}},
      {{64, 3, true, kInfinity}, {30, 2, false, 6.0f}, {10, 2, true, 6.0f}, {64, 1, false, kInfinity}}};
  for (ElementType type : kTypes)
    for (uint32_t inputs : {13u, 31u, 420u})
      for (const std::vector<HeadShape>& shapes : models)
        for (int round = 0; round < 4; ++round) {
          const auto heads = static_cast<uint32_t>(shapes.size());
          RandomNetwork model(type, inputs, shapes, static_cast<uint32_t>(random()));
          std::vector<std::pair<uint32_t, uint32_t>> parts;
          for (uint32_t h = 0; h < heads; ++h) {
            const uint32_t begin = static_cast<uint32_t>(random()) % inputs;
            parts.push_back({begin, begin + static_cast<uint32_t>(random()) % (inputs - begin + 1)});  // none at times
          }
          keep_only(model, parts);
          for (int state = 0; state < 3; ++state) check_all(model, random_input(inputs, random, 1.3f).data());
          const std::vector<float> input = random_input(inputs, random, 1.3f);
          const Result full = check_all(model, input.data());
          const Buffer kept(model.network.groups * 64);
          for (const Kernel* kernel : kernels_here(type))
            for (uint32_t begin : {inputs / 3, inputs - 1}) {
              CAPTURE(kernel->name);
              std::vector<float> output(model.network.outputs);
              REQUIRE(kernel->functions->advance(model.network, input.data(), begin, model.workspace,
                                                 kept.as<void>()) == Outcome::kDone);
              REQUIRE(kernel->functions->tick(model.network, input.data() + begin, begin, model.workspace,
                                              kept.as<void>(), output.data()) == Outcome::kDone);
              REQUIRE(std::memcmp(output.data(), full.bits.data(), output.size() * 4) == 0);
            }
        }
}
