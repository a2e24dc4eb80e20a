// SPDX-License-Identifier: Apache-2.0
// The full path in three parts, for a team of cores, against the whole, bit for bit, however the groups are cut.
#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr float kUntouched = -7.0f;

std::vector<const Kernel*> every_kernel(ElementType type) {
  std::vector<const Kernel*> kernels = kernels_here(type);
  kernels.push_back(&oracle(type));
  return kernels;
}

struct Parts {
  Buffer codes;
  Workspace workspace;
  explicit Parts(RandomNetwork& model) : codes(code_bytes(model.network.inputs)), workspace(model.workspace) {
    std::memset(codes.as<void>(), 0xA5, code_bytes(model.network.inputs));  // as after another input
    std::fill_n(workspace.hidden, model.network.groups * kGroup, kUntouched);
  }
};

// Groups begin .. end - 1 are written, and no other lane is.
void compute_share(const Kernel& kernel, RandomNetwork& model, Parts& parts, uint32_t begin, uint32_t end,
                   bool backwards) {
  const uint32_t lanes = model.network.groups * kGroup;
  const std::vector<float> before(parts.workspace.hidden, parts.workspace.hidden + lanes);
  kernel.functions->lanes(model.network, parts.codes.as<void>(), begin, end, backwards, parts.workspace.hidden);
  bool kept = true, written = true;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const bool inside = lane / kGroup >= begin && lane / kGroup < end;
    if (inside) written &= parts.workspace.hidden[lane] >= 0.0f;
    else kept &= parts.workspace.hidden[lane] == before[lane];
  }
  REQUIRE(kept);
  REQUIRE(written);
}

}  // namespace

TEST_CASE("encode, lanes and finish equal the whole however the groups are cut") {
  std::mt19937 random(31);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 3u, 13u, 16u, 31u, 32u, 47u, 64u, 65u, 130u, 420u})
      for (uint32_t hidden : {16u, 40u, 224u, 272u, 608u}) {
        RandomNetwork model(type, inputs, {{hidden, 3, true, 6.0f}, {20, 1, false, kInfinity}},
                            static_cast<uint32_t>(random()));
        const std::vector<float> input = random_input(inputs, random, 1.3f);  // its own end, for ASan
        const Result whole = run(oracle(type), model, input.data());
        REQUIRE(whole.outcome == Outcome::kDone);
        for (const Kernel* kernel : every_kernel(type)) {
          CAPTURE(kernel->name);
          Parts parts(model);
          uint64_t clipped = 99;
          REQUIRE(kernel->functions->encode(model.network, input.data(), parts.codes.as<void>(), &clipped) ==
                  Outcome::kDone);
          REQUIRE(clipped == (type == ElementType::kInt8 ? whole.clipped : 0));
          for (uint32_t begin = 0, end; begin < model.network.groups; begin = end) {
            end = std::min(model.network.groups, begin + 1 + static_cast<uint32_t>(random()) % 19);
            compute_share(*kernel, model, parts, begin, end, random() % 2 != 0);
          }
          std::vector<float> output(model.network.outputs);
          REQUIRE(kernel->functions->finish(model.network, parts.workspace, output.data()) == Outcome::kDone);
          REQUIRE(std::memcmp(output.data(), whole.bits.data(), output.size() * 4) == 0);
        }
      }
}

TEST_CASE("encode finds a value that is not finite wherever it stands") {
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 13u, 32u, 420u}) {
      RandomNetwork model(type, inputs, {{16, 1, false, 6.0f}}, 33);
      const Buffer codes(code_bytes(inputs));
      for (const Kernel* kernel : every_kernel(type))
        for (float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()})
          for (uint32_t at = 0; at < inputs; ++at) {
            std::vector<float> input(inputs, 1e30f);
            uint64_t clipped;
            REQUIRE(kernel->functions->encode(model.network, input.data(), codes.as<void>(), &clipped) ==
                    Outcome::kDone);
            input[at] = bad;
            REQUIRE(kernel->functions->encode(model.network, input.data(), codes.as<void>(), &clipped) ==
                    Outcome::kNonFiniteInput);
          }
    }
}
