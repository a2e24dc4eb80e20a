// SPDX-License-Identifier: Apache-2.0
// Sparse updates of every int8 kernel: at each step of a random stream the outputs equal the full path over the inputs
// as they are then, bit for bit.
#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr ElementType kInt8 = ElementType::kInt8;

struct Change {
  std::vector<uint32_t> indices;
  std::vector<float> values;
};

// A state laid over buffers of exactly the contract's sizes, rounded up to cache lines.
struct Sparse {
  Buffer codes, sums, next_sums, settled, touched, before, gained, lost;
  SparseState state;
  explicit Sparse(const Network& network)
      : codes(round_up(network.inputs, 4)),
        sums(network.groups * 64),
        next_sums(network.groups * 64),
        settled(round_up(network.inputs, 4)),
        touched((network.inputs + 3) / 4),
        before(((network.inputs + 3) / 4 + 1) * sizeof(QuadCodes)),
        gained(((network.inputs + 3) / 4 + 1) * sizeof(QuadCodes)),
        lost(((network.inputs + 3) / 4 + 1) * sizeof(QuadCodes)),
        state{codes.as<uint8_t>(),   sums.as<int32_t>(),     next_sums.as<int32_t>(), settled.as<uint8_t>(),
              touched.as<uint8_t>(), before.as<QuadCodes>(), gained.as<QuadCodes>(),  lost.as<QuadCodes>()} {
    std::memcpy(state.sums, network.start, network.groups * 64);
  }
};

Outcome update(const Kernel& kernel, RandomNetwork& model, Sparse& sparse, const Change& change, float* output) {
  return kernel.functions->update(model.network, change.indices.data(), change.values.data(),
                                  static_cast<uint32_t>(change.indices.size()), model.workspace, sparse.state, output);
}

Change everything(const std::vector<float>& input) {
  Change change{{}, input};
  for (uint32_t i = 0; i < input.size(); ++i) change.indices.push_back(i);
  return change;
}

// Mostly a few inputs, now and then up to all; indices repeat; values in and out of range, some of them as they were.
Change random_change(const std::vector<float>& input, std::mt19937& random) {
  const auto inputs = static_cast<uint32_t>(input.size());
  const uint32_t count = random() % 8 == 0 ? static_cast<uint32_t>(random()) % (inputs + 1)
                                           : static_cast<uint32_t>(random()) % std::min(inputs + 1, 9u);
  Change change{std::vector<uint32_t>(count), random_input(count, random, 3.0f)};
  const uint32_t first = static_cast<uint32_t>(random()) % inputs;
  const bool neighbours = random() % 2;
  for (uint32_t k = 0; k < count; ++k) {
    change.indices[k] = neighbours ? (first + k) % inputs : static_cast<uint32_t>(random()) % inputs;
    if (random() % 4 == 0) change.values[k] = input[change.indices[k]];
  }
  return change;
}

std::vector<const Kernel*> all_kernels() {
  std::vector<const Kernel*> kernels = kernels_here(kInt8);
  kernels.push_back(&oracle(kInt8));
  return kernels;
}

void follow(RandomNetwork& model, int steps, std::mt19937& random) {
  const uint32_t outputs = model.network.outputs;
  std::vector<float> input = random_input(model.network.inputs, random, 1.3f);
  const std::vector<const Kernel*> kernels = all_kernels();
  const Kernel& full = *best_kernel(kInt8, cpu_tiers());
  std::vector<Sparse> states;
  for (const Kernel* kernel : kernels) {
    states.emplace_back(model.network);
    REQUIRE(update(*kernel, model, states.back(), everything(input), nullptr) == Outcome::kDone);
  }
  for (int step = 0; step < steps; ++step) {
    const Change change = random_change(input, random);
    uint64_t clipped = 0;
    for (size_t k = 0; k < change.indices.size(); ++k) {
      input[change.indices[k]] = change.values[k];
      clipped += std::abs(change.values[k] * model.network.input_scale[change.indices[k]]) > 127.0f;
    }
    const Result expected = run(step % 16 == 0 ? oracle(kInt8) : full, model, input.data());
    for (size_t k = 0; k < kernels.size(); ++k) {
      CAPTURE(kernels[k]->name);
      CAPTURE(step);
      std::vector<float> around(outputs + 2, -7.0f);
      REQUIRE(update(*kernels[k], model, states[k], change, around.data() + 1) == Outcome::kDone);
      REQUIRE(std::memcmp(around.data() + 1, expected.bits.data(), outputs * 4) == 0);
      REQUIRE((around.front() == -7.0f && around.back() == -7.0f));
      REQUIRE(model.workspace.clipped == clipped);
    }
  }
}

}  // namespace

TEST_CASE("random update streams equal the full path at every step, in every shape") {
  std::mt19937 random(21);
  for (uint32_t inputs : {1u, 2u, 3u, 4u, 5u, 13u, 16u, 63u, 64u, 65u, 130u})
    for (uint32_t hidden : {1u, 16u, 33u, 80u, 200u, 224u, 300u, 600u}) {
      CAPTURE(inputs);
      CAPTURE(hidden);
      RandomNetwork model(kInt8, inputs, {{hidden, 3, true, 6.0f}, {20, 1, false, kInfinity}},
                          static_cast<uint32_t>(random()));
      follow(model, 40, random);
    }
}

TEST_CASE("thousands of steps on the tactical shape: no drift") {
  std::mt19937 random(22);
  RandomNetwork model(kInt8, 420, kTactical, 23);
  follow(model, 4000, random);
}

TEST_CASE("sums at the ends of int32: what wraps on the way comes back") {
  // One lane starts near 2^31 and its inputs take turns at both ends of the range, so that a correction whose positive
  // part comes first leaves int32.
  std::mt19937 random(24);
  RandomNetwork model(kInt8, 64, {{40, 3, false, kInfinity}}, 25);
  for (uint32_t lane = 0; lane < 32; ++lane) {
    int32_t positive = 0, negative = 0;
    for (uint32_t i = 0; i < 64; ++i) {
      const int w = model.w1.as<int8_t>()[weight_index(model.network, kInt8, lane, i)];
      (w > 0 ? positive : negative) += 255 * w;
    }
    model.start.as<int32_t>()[lane] = lane % 2 ? INT32_MAX - positive : INT32_MIN - negative;
  }
  follow(model, 300, random);
}

TEST_CASE("a refused update leaves the state as it was, and the output untouched") {
  std::mt19937 random(26);
  RandomNetwork model(kInt8, 30, {{40, 3, true, kInfinity}, {5, 2, false, kInfinity}}, 27);
  // Unit 0 of the value head grows with input 7 alone, far beyond float32 where that is at the end of its range.
  RandomNetwork wild(kInt8, 30, {{5, 1, false, kInfinity}}, 28);
  wild.lane_scale.as<float>()[0] = 1e34f;
  wild.start.as<int32_t>()[0] = -128 * 127;
  for (uint32_t i = 0; i < 30; ++i) wild.w1.as<int8_t>()[weight_index(wild.network, kInt8, 0, i)] = i == 7 ? 127 : 0;
  wild.w2[0].as<float>()[0] = 1e3f;
  for (const Kernel* kernel : all_kernels()) {
    CAPTURE(kernel->name);
    std::vector<float> input = random_input(30, random, 1.0f);
    input[7] = -1.0f;
    for (RandomNetwork* network : {&model, &wild}) {
      Sparse sparse(network->network);
      REQUIRE(update(*kernel, *network, sparse, everything(input), nullptr) == Outcome::kDone);
      for (uint32_t at = 0; at < 30; ++at) {
        Change change = everything(random_input(30, random, 1.0f));
        std::swap(change.indices[at], change.indices[29 - at]);
        const bool is_wild = network == &wild;
        change.values[at] = is_wild ? change.values[at] : at % 3 == 0 ? NAN : at % 3 == 1 ? kInfinity : -kInfinity;
        if (is_wild) change = {{at, 7, at, 8}, {0.5f, 5.0f, 0.25f, 1.0f}};
        if (is_wild && at == 7) continue;
        float output[5] = {-7.0f, -7.0f, -7.0f, -7.0f, -7.0f};
        REQUIRE(update(*kernel, *network, sparse, change, output) ==
                (is_wild ? Outcome::kNonFiniteOutput : Outcome::kNonFiniteInput));
        REQUIRE(std::count(output, output + 5, -7.0f) == 5);
        REQUIRE(update(*kernel, *network, sparse, {}, output) == Outcome::kDone);
        REQUIRE(std::memcmp(output, run(oracle(kInt8), *network, input.data()).bits.data(),
                            network->network.outputs * 4) == 0);
      }
      // And what comes after starts from there.
      input[3] = input[29] = 0.75f;
      float output[5];
      REQUIRE(update(*kernel, *network, sparse, {{29, 3}, {0.75f, 0.75f}}, output) == Outcome::kDone);
      REQUIRE(std::memcmp(output, run(oracle(kInt8), *network, input.data()).bits.data(),
                          network->network.outputs * 4) == 0);
    }
  }
}

TEST_CASE("float32 kernels have no sparse update") {
  for (uint32_t k = 0; k < kKernelCount; ++k)
    CHECK((kKernels[k].functions->update == nullptr) == (kKernels[k].type == ElementType::kFloat32));
}
