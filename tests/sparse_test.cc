// SPDX-License-Identifier: Apache-2.0
// Sparse updates through the public interface: every output equals the full path over the inputs as they are then.
#include <cmath>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

constexpr float kUntouched = -7.0f;
using Floats = std::vector<float>;
using Indices = std::vector<uint32_t>;

struct Pair {
  Loaded loaded;
  uint32_t inputs, outputs;
  tickmlp_session* session = nullptr;
  tickmlp_sparse* sparse = nullptr;
  Pair(const std::string& name, tickmlp_session_options options = {}, const char* kernel = nullptr)
      : loaded(weights_path(name), {kernel, TICKMLP_COPY, 0, nullptr}) {
    REQUIRE(loaded.status == TICKMLP_OK);
    inputs = tickmlp_model_describe(loaded.model)->inputs;
    outputs = tickmlp_model_describe(loaded.model)->outputs;
    REQUIRE(tickmlp_session_create(loaded.model, &options, &session, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_sparse_create(loaded.model, &options, &sparse, nullptr) == TICKMLP_OK);
  }
  ~Pair() {
    tickmlp_sparse_free(sparse);
    tickmlp_session_free(session);
  }
  tickmlp_status update(const Indices& indices, const Floats& values, Floats& output) {
    return tickmlp_sparse_update(sparse, indices.data(), values.data(), indices.size(), output.data(), output.size());
  }
  // Whether an update without any change gives what the full path gives.
  bool holds(const Floats& state) {
    Floats full(outputs), output(outputs);
    REQUIRE(tickmlp_infer(session, state.data(), inputs, full.data(), outputs) == TICKMLP_OK);
    REQUIRE(update({}, {}, output) == TICKMLP_OK);
    return std::memcmp(full.data(), output.data(), outputs * 4) == 0;
  }
  tickmlp_counters counters() const {
    tickmlp_counters counters;
    tickmlp_sparse_counters(sparse, &counters);
    return counters;
  }
};

Floats random_floats(size_t count, std::mt19937& random, float reach = 1.2f) {
  std::uniform_real_distribution<float> unit(-reach, reach);
  Floats values(count);
  for (float& x : values) x = unit(random);
  return values;
}

template <typename T>
const T* one_byte_on(const T* values) {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(values) + 1);
}

}  // namespace

TEST_CASE("thousands of updates: each equals the full path, on every int8 kernel") {
  for (const char* name : {"tactical-int8", "strategic-int8"})
    for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel;
      REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
      if (!kernel.available || kernel.type != TICKMLP_INT8) continue;
      CAPTURE(kernel.name);
      Pair pair(name, {}, kernel.name);
      std::mt19937 random(1);
      Floats state = random_floats(pair.inputs, random), full(pair.outputs), output(pair.outputs);
      REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
      const int steps = std::string(kernel.name).find("scalar") == std::string::npos ? 3000 : 60;
      for (int step = 0; step < steps; ++step) {
        if (step % 50 == 49) {
          state = random_floats(pair.inputs, random);
          REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
        }
        Indices indices(random() % (step % 20 == 0 ? pair.inputs + 1 : 10));
        const Floats values = random_floats(indices.size(), random);
        for (size_t i = 0; i < indices.size(); ++i) {
          indices[i] = static_cast<uint32_t>(random() % pair.inputs);
          state[indices[i]] = values[i];
        }
        REQUIRE(pair.update(indices, values, output) == TICKMLP_OK);
        REQUIRE(tickmlp_infer(pair.session, state.data(), pair.inputs, full.data(), pair.outputs) == TICKMLP_OK);
        REQUIRE(std::memcmp(output.data(), full.data(), pair.outputs * 4) == 0);
      }
      CHECK(pair.counters().inferences == static_cast<uint64_t>(steps));
    }
}

TEST_CASE("an index twice: the last one wins; the first and the last input; none at all") {
  Pair pair("tactical-int8");
  std::mt19937 random(2);
  Floats state = random_floats(pair.inputs, random), output(pair.outputs);
  REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
  CHECK(pair.holds(state));
  CHECK(tickmlp_sparse_update(pair.sparse, nullptr, nullptr, 0, output.data(), pair.outputs) == TICKMLP_OK);
  REQUIRE(pair.update({419, 7, 0, 7, 419, 7}, {0.5f, 1.0f, -0.5f, 0.25f, -1.0f, -0.75f}, output) == TICKMLP_OK);
  state[419] = -1.0f, state[7] = -0.75f, state[0] = -0.5f;
  CHECK(pair.holds(state));
  // There and back within one list: as if it had not been named.
  REQUIRE(pair.update({100, 100}, {state[100] > 0 ? -1.0f : 1.0f, state[100]}, output) == TICKMLP_OK);
  CHECK(pair.holds(state));
}

TEST_CASE("refusals: named, nothing written, the object as it was") {
  Pair pair("tactical-int8");
  std::mt19937 random(3);
  Floats state = random_floats(pair.inputs, random, 1.0f), output(pair.outputs, kUntouched), values(421, 0.5f);
  Indices indices(421);
  for (uint32_t i = 0; i < 421; ++i) indices[i] = i % 420;
  const auto update = [&](const uint32_t* i, const float* v, size_t n, float* o, size_t m) {
    return tickmlp_sparse_update(pair.sparse, i, v, n, o, m);
  };
  CHECK(pair.update({1}, {0.5f}, output) == TICKMLP_SPARSE_EMPTY);
  CHECK(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs - 1) == TICKMLP_INPUT_COUNT);
  CHECK(tickmlp_sparse_reset(nullptr, state.data(), pair.inputs) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_sparse_reset(pair.sparse, nullptr, pair.inputs) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_sparse_reset(pair.sparse, one_byte_on(state.data()), pair.inputs) == TICKMLP_MISALIGNED);
  CHECK(pair.update({}, {}, output) == TICKMLP_SPARSE_EMPTY);
  REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
  float* out = output.data();
  CHECK(tickmlp_sparse_update(nullptr, indices.data(), values.data(), 1, out, 10) == TICKMLP_BAD_ARGUMENT);
  CHECK(update(nullptr, values.data(), 1, out, 10) == TICKMLP_BAD_ARGUMENT);
  CHECK(update(indices.data(), nullptr, 1, out, 10) == TICKMLP_BAD_ARGUMENT);
  CHECK(update(indices.data(), values.data(), 1, nullptr, 10) == TICKMLP_BAD_ARGUMENT);
  CHECK(update(indices.data(), values.data(), 421, out, 10) == TICKMLP_INPUT_COUNT);
  CHECK(update(indices.data(), values.data(), 1, out, 9) == TICKMLP_OUTPUT_COUNT);
  CHECK(update(one_byte_on(indices.data()), values.data(), 1, out, 10) == TICKMLP_MISALIGNED);
  CHECK(update(indices.data(), one_byte_on(values.data()), 1, out, 10) == TICKMLP_MISALIGNED);
  CHECK(update(indices.data(), values.data(), 1, const_cast<float*>(one_byte_on(out)), 9) == TICKMLP_OUTPUT_COUNT);
  CHECK(update(indices.data(), values.data(), 1, const_cast<float*>(one_byte_on(out)), 10) == TICKMLP_MISALIGNED);
  for (uint32_t wrong : {420u, 421u, UINT32_MAX})
    CHECK(pair.update({3, wrong, 5}, {1, 1, 1}, output) == TICKMLP_INPUT_INDEX);
  CHECK(pair.counters().refused == 0);
  CHECK(pair.holds(state));
  for (uint32_t at = 0; at < pair.inputs; ++at) {
    Floats bad = random_floats(pair.inputs, random);
    bad[at] = at % 2 ? NAN : -INFINITY;
    REQUIRE(tickmlp_sparse_reset(pair.sparse, bad.data(), pair.inputs) == TICKMLP_NON_FINITE_INPUT);
    REQUIRE(update(indices.data(), bad.data(), 420, out, 10) == TICKMLP_NON_FINITE_INPUT);
    REQUIRE(pair.update({at, at}, {bad[at], 0.0f}, output) == TICKMLP_NON_FINITE_INPUT);
  }
  CHECK(output == Floats(10, kUntouched));
  CHECK(pair.counters().refused == 3 * 420);
  CHECK(pair.holds(state));
  state[9] = 0.125f;
  REQUIRE(pair.update({9}, {0.125f}, output) == TICKMLP_OK);
  CHECK(pair.holds(state));
}

TEST_CASE("in and out of the range: clipped inputs are counted as they come in") {
  Pair pair("tactical-int8");
  Floats state(pair.inputs, 0.0f), output(pair.outputs);
  state[5] = 100.0f;
  REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
  CHECK(pair.counters().clipped == 1);
  // Every one of the list counts, also the one that does not last and the one that is as far outside as before.
  REQUIRE(pair.update({5, 6, 6, 8}, {-100.0f, 100.0f, 0.0f, 3e38f}, output) == TICKMLP_OK);
  state[5] = -100.0f, state[8] = 3e38f;
  CHECK(pair.counters().clipped == 4);
  CHECK(pair.holds(state));
  REQUIRE(pair.update({8, 5}, {3.2e38f, 0.01f}, output) == TICKMLP_OK);
  state[5] = 0.01f;
  CHECK(pair.counters().clipped == 5);
  CHECK(pair.holds(state));
}

TEST_CASE("flush: an update and the full path flush alike and count") {
  Pair pair("tactical-int8", {TICKMLP_FLUSH, 0});
  std::mt19937 random(4);
  Floats state = random_floats(pair.inputs, random), full(pair.outputs), output(pair.outputs);
  state[3] = NAN, state[17] = -INFINITY;
  REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
  CHECK(pair.counters().flushed == 2);
  CHECK(pair.holds(state));
  REQUIRE(pair.update({40, 17, 41}, {INFINITY, 0.5f, NAN}, output) == TICKMLP_OK);
  state[40] = INFINITY, state[17] = 0.5f, state[41] = NAN;
  CHECK(pair.counters().flushed == 4);
  CHECK(pair.counters().refused == 0);
  CHECK(pair.holds(state));
}

TEST_CASE("the output may lie over the values") {
  Pair pair("tactical-int8");
  std::mt19937 random(5);
  Floats state = random_floats(pair.inputs, random), both = random_floats(12, random);
  Indices indices(12);
  REQUIRE(tickmlp_sparse_reset(pair.sparse, state.data(), pair.inputs) == TICKMLP_OK);
  for (uint32_t i = 0; i < 12; ++i) state[indices[i] = 31 * i] = both[i];
  REQUIRE(tickmlp_sparse_update(pair.sparse, indices.data(), both.data(), 12, both.data(), 10) == TICKMLP_OK);
  Floats full(10);
  REQUIRE(tickmlp_infer(pair.session, state.data(), pair.inputs, full.data(), 10) == TICKMLP_OK);
  CHECK(std::memcmp(both.data(), full.data(), 40) == 0);
}

TEST_CASE("a float32 model has no sparse updates, by its name") {
  for (const char* name : {"tactical-float32", "strategic-float32"}) {
    Loaded loaded(weights_path(name));
    REQUIRE(loaded.status == TICKMLP_OK);
    tickmlp_sparse* sparse = nullptr;
    tickmlp_error error = {};
    CHECK(tickmlp_sparse_create(loaded.model, nullptr, &sparse, &error) == TICKMLP_NO_SPARSE);
    CHECK_MESSAGE(std::string(error.message).find("int8") != std::string::npos, std::string(error.message));
    CHECK(sparse == nullptr);
    CHECK(tickmlp_sparse_create(nullptr, nullptr, &sparse, &error) == TICKMLP_BAD_ARGUMENT);
  }
  tickmlp_sparse_free(nullptr);
  CHECK(std::string(tickmlp_status_name(TICKMLP_INPUT_INDEX)) == "input-index");
  CHECK(std::string(tickmlp_status_name(TICKMLP_NO_SPARSE)) == "no-sparse");
  CHECK(std::string(tickmlp_status_name(TICKMLP_SPARSE_EMPTY)) == "sparse-empty");
}
