// SPDX-License-Identifier: Apache-2.0
// Running a kernel on a random model, and every kernel of the table that this CPU runs against the scalar oracle.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "../kernels/table.h"
#include "../runtime/cpu.h"
#include "random_network.h"

namespace tickmlp::testing {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Result {
  Outcome outcome;
  std::vector<uint32_t> bits;
  float output(size_t k) const {
    float value;
    std::memcpy(&value, &bits[k], 4);
    return value;
  }
  uint64_t clipped;
};

inline Result run(const Kernel& kernel, RandomNetwork& model, const float* input) {
  // One more float before and behind: nothing else may be written, and nothing at all when it fails.
  const size_t outputs = model.network.outputs;
  std::vector<float> around(outputs + 2, -7.0f);
  Result result{
      kernel.functions->infer(model.network, input, model.workspace, around.data() + 1), {}, model.workspace.clipped};
  REQUIRE(around.front() == -7.0f);
  REQUIRE(around.back() == -7.0f);
  result.bits.resize(outputs);
  std::memcpy(result.bits.data(), around.data() + 1, outputs * 4);
  if (result.outcome != Outcome::kDone)
    REQUIRE(std::count(around.begin(), around.end(), -7.0f) == static_cast<long>(outputs) + 2);
  return result;
}

inline std::vector<const Kernel*> kernels_here(ElementType type) {
  std::vector<const Kernel*> kernels;
  for (uint32_t k = 0; k < kKernelCount; ++k)
    if (kKernels[k].type == type && (kKernels[k].tier & cpu_tiers()) && kKernels[k].tier != kTierScalar)
      kernels.push_back(&kKernels[k]);
  return kernels;
}

inline const Kernel& oracle(ElementType type) { return *best_kernel(type, kTierScalar); }

// The same outcome, bits and clip count from every kernel; what the oracle gave.
inline Result check_all(RandomNetwork& model, const float* input) {
  const Result expected = run(oracle(model.type), model, input);
  for (const Kernel* kernel : kernels_here(model.type)) {
    CAPTURE(kernel->name);
    const Result seen = run(*kernel, model, input);
    REQUIRE(seen.outcome == expected.outcome);
    REQUIRE(seen.bits == expected.bits);
    if (model.type == ElementType::kInt8 && expected.outcome != Outcome::kNonFiniteInput)
      REQUIRE(seen.clipped == expected.clipped);
  }
  return expected;
}

inline std::vector<float> random_input(uint32_t inputs, std::mt19937& random, float reach) {
  std::uniform_real_distribution<float> unit(-reach, reach);
  std::vector<float> input(inputs);
  for (float& x : input) x = unit(random);
  return input;
}

inline const std::vector<HeadShape> kTactical = {
    {64, 3, true, 6.0f}, {64, 3, true, 6.0f}, {64, 3, true, 6.0f}, {32, 1, false, 6.0f}};

inline constexpr ElementType kTypes[] = {ElementType::kInt8, ElementType::kFloat32};

}  // namespace tickmlp::testing
