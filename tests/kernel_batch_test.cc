// SPDX-License-Identifier: Apache-2.0
// The batch function of every kernel against one state after another by the oracle, bit for bit.
#include <sys/mman.h>
#include <unistd.h>

#include <cfloat>
#include <string>

#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr float kCanary = -7.0f;

// Scratch for one model, of as many states a call as a session would take, or fewer.
struct Scratch {
  Buffer memory;
  BatchWorkspace workspace;
  explicit Scratch(const RandomNetwork& model)
      : memory(batch_workspace_bytes(model.network)),
        workspace(make_batch_workspace(model.network, model.workspace, memory.as<void>())) {}
};

// What one state after another gives, by the oracle.
struct Expected {
  BatchResult result = {0, Outcome::kDone, 0};
  std::vector<float> outputs;
};

Expected one_by_one(RandomNetwork& model, const float* inputs, uint32_t states) {
  const uint32_t width = model.network.outputs;
  Expected expected;
  expected.outputs.assign(size_t{states} * width, kCanary);
  for (; expected.result.done < states; ++expected.result.done) {
    const Result one = run(oracle(model.type), model, inputs + size_t{expected.result.done} * model.network.inputs);
    expected.result.outcome = one.outcome;
    if (one.outcome != Outcome::kDone) break;
    std::memcpy(expected.outputs.data() + size_t{expected.result.done} * width, one.bits.data(), width * 4);
    if (model.type == ElementType::kInt8) expected.result.clipped += one.clipped;
  }
  return expected;
}

// The same count, outcome, clips and bits from every kernel, and nothing written besides.
BatchResult check_batch(RandomNetwork& model, const float* inputs, uint32_t states) {
  const Expected expected = one_by_one(model, inputs, states);
  std::vector<const Kernel*> kernels = kernels_here(model.type);
  kernels.push_back(&oracle(model.type));
  Scratch scratch(model);
  REQUIRE(states <= scratch.workspace.states);
  const size_t count = expected.outputs.size();
  for (const Kernel* kernel : kernels) {
    CAPTURE(std::string(kernel->name));
    CAPTURE(states);
    std::vector<float> around(count + 32, kCanary);
    const BatchResult seen =
        kernel->functions->batch(model.network, inputs, states, scratch.workspace, around.data() + 16);
    REQUIRE(seen.done == expected.result.done);
    REQUIRE(seen.outcome == expected.result.outcome);
    REQUIRE(seen.clipped == expected.result.clipped);
    REQUIRE((count == 0 || std::memcmp(around.data() + 16, expected.outputs.data(), count * 4) == 0));
    REQUIRE(std::count(around.begin(), around.begin() + 16, kCanary) == 16);
    REQUIRE(std::count(around.end() - 16, around.end(), kCanary) == 16);
  }
  return expected.result;
}

HeadShape random_head(std::mt19937& random) {
  return {1 + static_cast<uint32_t>(random()) % 150, 1 + static_cast<uint32_t>(random()) % 9, random() % 2 == 0,
          random() % 2 ? 6.0f : kInfinity};
}

}  // namespace

TEST_CASE("batches of 0 to 26 states and 64, over shapes that meet every tail") {
  std::mt19937 random(21);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 2u, 3u, 4u, 5u, 13u, 15u, 16u, 17u, 33u, 63u, 64u, 65u, 127u, 130u}) {
      std::vector<HeadShape> shapes(1 + random() % 5);
      for (HeadShape& shape : shapes) shape = random_head(random);
      RandomNetwork model(type, inputs, shapes, static_cast<uint32_t>(random()));
      const std::vector<float> states = random_input(inputs * 64, random, 1.3f);
      CAPTURE(inputs);
      for (uint32_t count = 0; count <= 26; ++count) REQUIRE(check_batch(model, states.data(), count).done == count);
      REQUIRE(check_batch(model, states.data(), 64).done == 64);
    }
}

TEST_CASE("every number of groups from 1 to 40, in batches of 7 and 16") {
  std::mt19937 random(22);
  for (ElementType type : kTypes)
    for (uint32_t groups = 1; groups <= 40; ++groups) {
      CAPTURE(groups);
      RandomNetwork model(type, 21, {{groups * 16 - static_cast<uint32_t>(random() % 16), 4, true, 6.0f}},
                          static_cast<uint32_t>(random()));
      const std::vector<float> states = random_input(21 * 16, random, 1.2f);
      check_batch(model, states.data(), 7);
      check_batch(model, states.data(), 16);
    }
}

TEST_CASE("the tactical shape in batches of 64, and sixteen heads") {
  std::mt19937 random(23);
  for (ElementType type : kTypes) {
    RandomNetwork tactical(type, 420, kTactical, 24);
    for (int round = 0; round < 4; ++round)
      CHECK(check_batch(tactical, random_input(420 * 64, random, 1.5f).data(), 64).done == 64);
    std::vector<HeadShape> shapes(16);
    for (HeadShape& shape : shapes) shape = random_head(random);
    RandomNetwork many(type, 50, shapes, 25);
    CHECK(check_batch(many, random_input(50 * 33, random, 1.5f).data(), 33).done == 33);
  }
}

TEST_CASE("the largest model has scratch of at most 1 MiB, and its blocks are right too") {
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 4096, {{4096, 1, false, 6.0f}, {4096, 2, true, kInfinity}}, 26);
    CHECK(batch_workspace_bytes(model.network) <= (size_t{1} << 20));
    Scratch scratch(model);
    CHECK(scratch.workspace.states == 24);
    std::mt19937 random(27);
    const std::vector<float> states = random_input(4096 * 5, random, 1.0f);
    CHECK(check_batch(model, states.data(), 5).done == 5);
  }
}

TEST_CASE("a state that is not finite: those before it are done, of it and those after it nothing is written") {
  std::mt19937 random(28);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {5u, 16u, 70u}) {
      RandomNetwork model(type, inputs, {{40, 3, true, 6.0f}, {20, 2, false, kInfinity}}, inputs);
      for (uint32_t count : {1u, 2u, 9u, 16u, 23u})
        for (uint32_t bad = 0; bad < count; ++bad)
          for (float value : {NAN, kInfinity, -kInfinity}) {
            std::vector<float> states = random_input(inputs * count, random, 1.4f);
            states[bad * inputs + random() % inputs] = value;
            if (bad + 2 < count) states[(bad + 2) * inputs] = NAN;  // a later one is not looked for
            const BatchResult result = check_batch(model, states.data(), count);
            REQUIRE(result.done == bad);
            REQUIRE(result.outcome == Outcome::kNonFiniteInput);
          }
    }
}

TEST_CASE("a logit that overflows: the same, with non-finite output, or input where that comes first") {
  std::mt19937 random(29);
  for (ElementType type : kTypes) {
    // Lane 0 alone counts, and overflows where the first input is 1 and not where it is -1.
    RandomNetwork model(type, 8, {{16, 3, true, kInfinity}, {5, 1, false, 6.0f}}, 30);
    for (int lane = 0; lane < 16; ++lane)
      for (int k = 0; k < 3; ++k) model.w2[0].as<float>()[k * 16 + lane] = lane == 0 ? FLT_MAX : 0.0f;
    for (uint32_t i = 0; i < 8; ++i) {
      const size_t at = weight_index(model.network, type, 0, i);
      if (type == ElementType::kInt8) model.w1.as<int8_t>()[at] = i == 0 ? 127 : 0;
      else model.w1.as<float>()[at] = i == 0 ? 100.0f : 0.0f;
    }
    if (type == ElementType::kInt8) model.start.as<int32_t>()[0] = -128 * 127, model.lane_scale.as<float>()[0] = 1.0f;
    else model.start.as<float>()[0] = 0.0f;
    for (uint32_t count : {1u, 3u, 8u, 17u, 24u})
      for (uint32_t bad = 0; bad < count; ++bad) {
        std::vector<float> states = random_input(8 * count, random, 1.2f);
        for (uint32_t s = 0; s < count; ++s) states[s * 8] = s == bad ? 1.0f : -1.0f;
        BatchResult result = check_batch(model, states.data(), count);
        REQUIRE(result.done == bad);
        REQUIRE(result.outcome == Outcome::kNonFiniteOutput);
        if (bad + 1 < count) states[(bad + 1) * 8 + 3] = NAN;
        REQUIRE(check_batch(model, states.data(), count).outcome == Outcome::kNonFiniteOutput);
        if (bad > 0) states[(bad - 1) * 8 + 3] = NAN;
        result = check_batch(model, states.data(), count);
        REQUIRE(result.done == (bad > 0 ? bad - 1 : bad));
        REQUIRE(result.outcome == (bad > 0 ? Outcome::kNonFiniteInput : Outcome::kNonFiniteOutput));
      }
  }
}

TEST_CASE("hard values: random bit patterns, and the quantiser's ties, in every place of a vector") {
  std::mt19937 random(31);
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 70, {{40, 3, true, 6.0f}}, 32);
    for (int round = 0; round < 100; ++round) {
      std::vector<float> states(70 * 8);
      for (float& x : states) {
        const uint32_t bits = static_cast<uint32_t>(random());
        std::memcpy(&x, &bits, 4);
        if (!std::isfinite(x)) x = -0.0f;
      }
      check_batch(model, states.data(), 8);
    }
  }
  RandomNetwork model(ElementType::kInt8, 256, {{16, 2, false, kInfinity}}, 33);
  for (uint32_t i = 0; i < 256; ++i) model.input_scale.as<float>()[i] = 1.0f;
  std::vector<float> states(256 * 16);
  for (int s = 0; s < 16; ++s)
    for (int i = 0; i < 256; ++i) states[s * 256 + i] = static_cast<float>((i + 17 * s) % 256 - 128) + 0.5f;
  CHECK(check_batch(model, states.data(), 16).clipped == 32);  // -127.5 and 127.5 of each
}

TEST_CASE("states beside a guard page, at every float alignment: nothing beyond the last is read") {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* memory =
      static_cast<uint8_t*>(mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(memory != MAP_FAILED);
  REQUIRE(mprotect(memory, page, PROT_NONE) == 0);
  REQUIRE(mprotect(memory + 7 * page, page, PROT_NONE) == 0);
  std::mt19937 random(34);
  for (ElementType type : kTypes)
    for (uint32_t inputs = 1; inputs <= 80; ++inputs) {
      RandomNetwork model(type, inputs, {{16, 2, true, 6.0f}}, inputs);
      const uint32_t states = 1 + inputs % 17;
      const std::vector<float> values = random_input(inputs * states, random, 1.0f);
      auto* at_end = reinterpret_cast<float*>(memory + 7 * page) - values.size();
      auto* at_begin = reinterpret_cast<float*>(memory + page);
      for (float* place : {at_begin, at_end}) {
        std::memcpy(place, values.data(), values.size() * 4);
        check_batch(model, place, states);
      }
    }
  munmap(memory, 8 * page);
}
