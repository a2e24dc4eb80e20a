// SPDX-License-Identifier: Apache-2.0
// advance and tick of every kernel against the full path, bit for bit.
#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

TEST_CASE("the tick path equals the full path wherever the kept prefix ends") {
  std::mt19937 random(13);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 2u, 5u, 13u, 16u, 20u, 35u, 64u, 130u, 420u})
      for (int round = 0; round < 3; ++round) {
        const std::vector<HeadShape> shapes = {{1 + static_cast<uint32_t>(random()) % 300, 3, true, 6.0f},
                                               {20, 1, false, kInfinity}};
        RandomNetwork model(type, inputs, shapes, static_cast<uint32_t>(random()));
        const std::vector<float> input = random_input(inputs, random, 1.3f);
        const Result full = run(oracle(type), model, input.data());
        std::vector<const Kernel*> kernels = kernels_here(type);
        kernels.push_back(&oracle(type));
        const Buffer kept(model.network.groups * 64);
        for (const Kernel* kernel : kernels)
          for (uint32_t begin = 0; begin <= inputs;
               begin += inputs > 40 ? 1 + static_cast<uint32_t>(random()) % 37 : 1) {
            CAPTURE(kernel->name);
            CAPTURE(begin);
            REQUIRE(kernel->functions->advance(model.network, input.data(), begin, model.workspace, kept.as<void>()) ==
                    Outcome::kDone);
            const uint64_t clipped_before = type == ElementType::kInt8 ? model.workspace.clipped : 0;
            const std::vector<float> row(input.begin() + begin, input.end());  // its own end, for ASan
            std::vector<float> output(full.bits.size());
            REQUIRE(kernel->functions->tick(model.network, row.data(), begin, model.workspace, kept.as<void>(),
                                            output.data()) == Outcome::kDone);
            REQUIRE(std::memcmp(output.data(), full.bits.data(), output.size() * 4) == 0);
            if (type == ElementType::kInt8) REQUIRE(clipped_before + model.workspace.clipped == full.clipped);
          }
      }
}

TEST_CASE("the tick path: non-finite values in the prefix or in the row") {
  std::mt19937 random(14);
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 30, {{40, 3, true, 6.0f}}, 15);
    const Buffer kept(model.network.groups * 64);
    std::vector<const Kernel*> kernels = kernels_here(type);
    kernels.push_back(&oracle(type));
    for (const Kernel* kernel : kernels)
      for (uint32_t at = 0; at < 30; ++at) {
        std::vector<float> input = random_input(30, random, 1.0f);
        input[at] = at % 2 ? kInfinity : NAN;
        float output[3] = {-7.0f, -7.0f, -7.0f};
        const Outcome advanced =
            kernel->functions->advance(model.network, input.data(), 23, model.workspace, kept.as<void>());
        REQUIRE(advanced == (at < 23 ? Outcome::kNonFiniteInput : Outcome::kDone));
        const Outcome ticked =
            kernel->functions->tick(model.network, input.data() + 23, 23, model.workspace, kept.as<void>(), output);
        if (at >= 23) REQUIRE(ticked == Outcome::kNonFiniteInput);
        if (at >= 23) REQUIRE(output[0] == -7.0f);
      }
  }
}
