// SPDX-License-Identifier: Apache-2.0
// Batches through the public interface against one call a state: bits, statuses, `done`, counters, flush mode.
#include <algorithm>
#include <cfenv>
#include <cfloat>
#include <cmath>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

constexpr float kCanary = -7.0f;
// A session takes 64 states at once from these models: none, one, whole blocks, and one or two more or fewer.
constexpr size_t kSizes[] = {0, 1, 2, 3, 8, 9, 62, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 200};
constexpr const char* kModels[] = {"tactical-int8", "tactical-float32", "strategic-int8", "strategic-float32"};

// What a number of states gave: one call a state, or one call for all.
struct Run {
  tickmlp_status status = TICKMLP_OK;
  size_t done = 0;
  std::vector<float> outputs;
  tickmlp_counters counters = {};
};

struct Fixture {
  Loaded loaded;
  uint32_t inputs, outputs;
  tickmlp_session_options options;
  Fixture(const char* name, tickmlp_non_finite mode, const char* kernel = nullptr)
      : loaded(weights_path(name), {kernel, TICKMLP_COPY, 0, nullptr}), options{mode, 0} {
    REQUIRE_MESSAGE(loaded.status == TICKMLP_OK, std::string(loaded.error.message));
    inputs = tickmlp_model_describe(loaded.model)->inputs;
    outputs = tickmlp_model_describe(loaded.model)->outputs;
  }

  Run run(const std::vector<float>& states, bool batch) const {
    const size_t count = states.size() / inputs;
    Run result;
    result.outputs.assign((count + 1) * outputs, kCanary);
    tickmlp_session* session = nullptr;
    REQUIRE(tickmlp_session_create(loaded.model, &options, &session, nullptr) == TICKMLP_OK);
    const float* from = states.empty() ? result.outputs.data() : states.data();
    if (batch) {
      result.done = 99;
      result.status = tickmlp_infer_batch(session, from, count, result.outputs.data(), &result.done);
    } else {
      for (; result.done < count; ++result.done) {
        result.status = tickmlp_infer(session, from + result.done * inputs, inputs,
                                      result.outputs.data() + result.done * outputs, outputs);
        if (result.status != TICKMLP_OK) break;
      }
    }
    tickmlp_session_counters(session, &result.counters);
    tickmlp_session_free(session);
    return result;
  }

  Run check(const std::vector<float>& states) const {
    const Run one = run(states, false), all = run(states, true);
    REQUIRE(all.status == one.status);
    REQUIRE(all.done == one.done);
    REQUIRE(std::memcmp(all.outputs.data(), one.outputs.data(), one.outputs.size() * 4) == 0);
    REQUIRE(all.counters.inferences == one.counters.inferences);
    REQUIRE(all.counters.refused == one.counters.refused);
    REQUIRE(all.counters.clipped == one.counters.clipped);
    REQUIRE(all.counters.flushed == one.counters.flushed);
    return all;
  }

  std::vector<float> states(size_t count, uint32_t seed) const {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> unit(-1.1f, 1.1f);  // some are clipped
    std::vector<float> values(count * inputs);
    for (float& x : values) x = unit(random);
    return values;
  }
};

}  // namespace

TEST_CASE("batches of every kernel: none, one, whole blocks and tails") {
  for (const char* name : kModels)
    for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel;
      REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
      const bool fits = std::string(name).find(kernel.type == TICKMLP_INT8 ? "int8" : "float32") != std::string::npos;
      if (!kernel.available || !fits) continue;
      CAPTURE(std::string(kernel.name));
      const Fixture fixture(name, TICKMLP_STRICT, kernel.name);
      for (size_t count : kSizes) {
        if (std::string(kernel.name).find("scalar") != std::string::npos && count > 66) continue;  // slow, and no block
        CAPTURE(count);
        const Run all = fixture.check(fixture.states(count, static_cast<uint32_t>(count)));
        REQUIRE(all.status == TICKMLP_OK);
        REQUIRE(all.done == count);
        if (kernel.type == TICKMLP_INT8 && count > 2) REQUIRE(all.counters.clipped > 0);
      }
    }
}

TEST_CASE("strict: a batch stops at the first state that is refused, wherever it is") {
  for (const char* name : kModels) {
    const Fixture fixture(name, TICKMLP_STRICT);
    for (size_t bad : {0, 1, 7, 62, 63, 64, 65, 127, 128, 129})
      for (float value : {NAN, INFINITY, -INFINITY}) {
        CAPTURE(bad);
        std::vector<float> states = fixture.states(130, 1);
        states[bad * fixture.inputs + bad % fixture.inputs] = value;
        states[129 * fixture.inputs] = NAN;
        const Run all = fixture.check(states);
        CHECK(all.status == TICKMLP_NON_FINITE_INPUT);
        CHECK(all.done == bad);
        CHECK(all.counters.refused == 1);
        CHECK(all.outputs[bad * fixture.outputs] == kCanary);
      }
  }
}

TEST_CASE("flush: any number of bad states anywhere are changed and counted, and the batch goes on") {
  for (const char* name : kModels) {
    const Fixture fixture(name, TICKMLP_FLUSH);
    std::mt19937 random(2);
    for (int round = 0; round < 20; ++round) {
      std::vector<float> states = fixture.states(150, 3);
      const uint32_t bad = 1 + static_cast<uint32_t>(random()) % 150;
      for (uint32_t i = 0; i < bad; ++i) states[random() % states.size()] = NAN;
      const Run all = fixture.check(states);
      CHECK(all.status == TICKMLP_OK);
      CHECK(all.done == 150);
      CHECK(all.counters.flushed > 0);
    }
    std::vector<float> all_bad(70 * fixture.inputs, NAN);
    CHECK(fixture.check(all_bad).counters.flushed == all_bad.size());
  }
}

TEST_CASE("a logit that overflows: the states before it are done, in strict and in flush mode") {
  for (tickmlp_non_finite mode : {TICKMLP_STRICT, TICKMLP_FLUSH}) {
    const Fixture fixture("strategic-float32", mode);
    for (size_t bad : {0, 1, 30, 63, 64, 65, 127, 128, 129}) {
      CAPTURE(bad);
      std::vector<float> states = fixture.states(130, 4);
      for (uint32_t i = 0; i < fixture.inputs; ++i) states[bad * fixture.inputs + i] = i % 2 ? FLT_MAX : -FLT_MAX;
      if (mode == TICKMLP_FLUSH && bad > 2) states[(bad - 2) * fixture.inputs] = NAN;
      const Run all = fixture.check(states);
      CHECK(all.status == TICKMLP_NON_FINITE_OUTPUT);
      CHECK(all.done == bad);
    }
  }
}

TEST_CASE("a batch without `done`, with NULL or misaligned pointers, and in another float environment") {
  for (const char* name : kModels) {
    const Fixture fixture(name, TICKMLP_STRICT);
    const std::vector<float> states = fixture.states(70, 5);
    const Run expected = fixture.run(states, false);
    tickmlp_session* session = nullptr;
    REQUIRE(tickmlp_session_create(fixture.loaded.model, nullptr, &session, nullptr) == TICKMLP_OK);
    std::vector<float> seen(expected.outputs.size(), kCanary);
    size_t done = 99;
    CHECK(tickmlp_infer_batch(nullptr, states.data(), 70, seen.data(), &done) == TICKMLP_BAD_ARGUMENT);
    CHECK(done == 0);
    CHECK(tickmlp_infer_batch(session, nullptr, 70, seen.data(), nullptr) == TICKMLP_BAD_ARGUMENT);
    CHECK(tickmlp_infer_batch(session, states.data(), 70, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
    auto* crooked = reinterpret_cast<float*>(reinterpret_cast<char*>(seen.data()) + 2);
    CHECK(tickmlp_infer_batch(session, states.data(), 1, crooked, nullptr) == TICKMLP_MISALIGNED);
    CHECK(std::count(seen.begin(), seen.end(), kCanary) == static_cast<long>(seen.size()));
    for (int mode : {FE_UPWARD, FE_TOWARDZERO}) {
      std::fill(seen.begin(), seen.end(), kCanary);
      std::fesetround(mode);
      const tickmlp_status status = tickmlp_infer_batch(session, states.data(), 70, seen.data(), nullptr);
      const int after = std::fegetround();
      std::fesetround(FE_TONEAREST);
      CHECK(status == TICKMLP_OK);
      CHECK(after == mode);
      CHECK(std::memcmp(seen.data(), expected.outputs.data(), seen.size() * 4) == 0);
    }
    tickmlp_session_free(session);
  }
}
