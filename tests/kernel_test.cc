// SPDX-License-Identifier: Apache-2.0
// Every kernel of the table that this CPU runs, against the scalar oracle, bit for bit.
#include "../kernels/table.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cfloat>
#include <string>

#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

TEST_CASE("every kernel equals the scalar oracle over shapes that meet every tail") {
  std::mt19937 random(1);
  for (ElementType type : kTypes)
    for (uint32_t inputs : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 13u, 15u, 16u, 17u, 31u, 33u, 63u, 64u, 65u, 127u, 420u, 1260u})
      for (int round = 0; round < 4; ++round) {
        std::vector<HeadShape> shapes(1 + random() % 10);
        for (HeadShape& shape : shapes)
          shape = {1 + static_cast<uint32_t>(random()) % 150, 1 + static_cast<uint32_t>(random()) % 9,
                   random() % 2 == 0, random() % 2 ? 6.0f : kInfinity};
        CAPTURE(inputs);
        RandomNetwork model(type, inputs, shapes, random());
        for (float reach : {0.01f, 1.0f, 3.0f}) check_all(model, random_input(inputs, random, reach).data());
      }
}

TEST_CASE("every number of groups from 1 to 40, so that every strip and every tile split runs") {
  std::mt19937 random(2);
  for (ElementType type : kTypes)
    for (uint32_t groups = 1; groups <= 40; ++groups) {
      CAPTURE(groups);
      RandomNetwork model(type, 21, {{groups * 16 - static_cast<uint32_t>(random() % 16), 4, true, 6.0f}}, random());
      check_all(model, random_input(21, random, 1.2f).data());
    }
}

TEST_CASE("the tactical shape, 2,000 states") {
  std::mt19937 random(3);
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 420, kTactical, 4);
    for (int state = 0; state < 1000; ++state) check_all(model, random_input(420, random, 1.5f).data());
  }
}

TEST_CASE("hard inputs: random bit patterns, subnormals, signed zeros, the largest floats, NaN and infinity anywhere") {
  std::mt19937 random(5);
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 37, {{40, 3, true, 6.0f}, {20, 2, false, kInfinity}}, 6);
    const float special[] = {0.0f,          -0.0f,  FLT_MAX, -FLT_MAX,  FLT_MIN,    FLT_TRUE_MIN,
                             -FLT_TRUE_MIN, 1e-30f, 1e30f,   kInfinity, -kInfinity, NAN};
    for (float value : special)
      for (uint32_t at = 0; at < 37; ++at) {
        std::vector<float> input = random_input(37, random, 1.0f);
        input[at] = value;
        check_all(model, input.data());
      }
    for (int round = 0; round < 2000; ++round) {
      std::vector<float> input(37);
      for (float& x : input) {
        const uint32_t bits = static_cast<uint32_t>(random());
        std::memcpy(&x, &bits, 4);
        if (!std::isfinite(x) && round % 2) x = 1.0f;
      }
      check_all(model, input.data());
    }
  }
}

TEST_CASE("rounding ties of the quantiser go to even in every kernel") {
  RandomNetwork model(ElementType::kInt8, 255, {{16, 2, false, kInfinity}}, 7);
  for (uint32_t i = 0; i < 255; ++i) model.input_scale.as<float>()[i] = 1.0f;
  std::vector<float> input(255);
  for (int i = 0; i < 255; ++i) input[i] = static_cast<float>(i - 127) + 0.5f;
  check_all(model, input.data());
  CHECK(run(oracle(ElementType::kInt8), model, input.data()).clipped == 1);  // 127.5
}

TEST_CASE("int8 extremes: weights of -127 or 127 everywhere and inputs at both ends are exact") {
  for (uint32_t inputs : {16u, 420u, 4096u})
    for (int sign : {-1, 1}) {
      RandomNetwork model(ElementType::kInt8, inputs, {{32, 1, false, kInfinity}}, 8);
      for (uint32_t lane = 0; lane < 32; ++lane) {
        for (uint32_t i = 0; i < inputs; ++i)
          model.w1.as<int8_t>()[testing::weight_index(model.network, model.type, lane, i)] =
              static_cast<int8_t>(sign * 127);
        model.start.as<int32_t>()[lane] = -128 * sign * 127 * static_cast<int32_t>(inputs);
        model.lane_scale.as<float>()[lane] = 1.0f;
        model.w2[0].as<float>()[lane] = lane == 0 ? 1.0f : 0.0f;
      }
      model.start2.as<float>()[0] = 0.0f;
      model.bind();
      const std::vector<float> input(inputs, static_cast<float>(sign) * 100.0f);  // clamped to the end of the range
      CHECK(check_all(model, input.data()).output(0) == static_cast<float>(127 * 127 * inputs));
    }
}

TEST_CASE("non-finite outputs are an outcome of their own") {
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 8, {{16, 3, true, kInfinity}}, 9);
    for (int j = 0; j < 48; ++j) model.w2[0].as<float>()[j] = FLT_MAX;
    for (int lane = 0; lane < 16; ++lane) {
      if (type == ElementType::kInt8) model.lane_scale.as<float>()[lane] = 1e30f;
      else model.start.as<float>()[lane] = 1e30f;
    }
    std::mt19937 random(10);
    const std::vector<float> input = random_input(8, random, 1.0f);
    CHECK(run(oracle(type), model, input.data()).outcome == Outcome::kNonFiniteOutput);
    check_all(model, input.data());
  }
}

TEST_CASE("equal logits give equal probabilities, and far ones exactly zero") {
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 4, {{16, 3, true, 6.0f}}, 11);
    std::memset(model.w2[0].as<void>(), 0, 16 * 3 * 4);
    const float zeros[4] = {};
    for (int k = 0; k < 3; ++k) model.start2.as<float>()[k] = 0.25f;
    model.bind();
    const Result equal = check_all(model, zeros);
    CHECK(equal.output(0) == equal.output(1));
    CHECK(equal.output(1) == equal.output(2));
    model.start2.as<float>()[1] = 88.5f;
    model.bind();
    const Result far = check_all(model, zeros);
    CHECK(far.output(0) == 0.0f);
    CHECK(far.output(1) == 1.0f);
  }
}

TEST_CASE("inputs beside a guard page, at every float alignment: nothing beyond the last is read") {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* memory =
      static_cast<uint8_t*>(mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(memory != MAP_FAILED);
  REQUIRE(mprotect(memory + 3 * page, page, PROT_NONE) == 0);
  std::mt19937 random(12);
  for (ElementType type : kTypes)
    for (uint32_t inputs = 1; inputs <= 80; ++inputs) {
      RandomNetwork model(type, inputs, {{16, 2, true, 6.0f}}, inputs);
      const std::vector<float> input = random_input(inputs, random, 1.0f);
      auto* at_end = reinterpret_cast<float*>(memory + 3 * page) - inputs;
      std::memcpy(at_end, input.data(), inputs * 4);
      check_all(model, at_end);
    }
  munmap(memory, 4 * page);
}

TEST_CASE("the table: unique names, best first, a scalar kernel for each type") {
  for (uint32_t a = 0; a < kKernelCount; ++a) {
    CHECK(find_kernel(kKernels[a].name) == &kKernels[a]);
    for (uint32_t b = a + 1; b < kKernelCount; ++b)
      if (kKernels[a].type == kKernels[b].type) CHECK(kKernels[a].tier > kKernels[b].tier);
  }
  for (ElementType type : kTypes) REQUIRE(best_kernel(type, kTierScalar) != nullptr);
  CHECK(find_kernel("int8-abacus") == nullptr);
  std::string names;
  for (ElementType type : kTypes)
    for (const Kernel* kernel : kernels_here(type)) names += std::string(" ") + kernel->name;
  MESSAGE("compared with the oracle here:" << names);
}
