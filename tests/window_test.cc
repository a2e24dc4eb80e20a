// SPDX-License-Identifier: Apache-2.0
// The tick path through the public interface: every output equals the full path over the same rows, bit for bit.
#include <cfenv>
#include <cmath>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

constexpr uint32_t kRows = 60, kColumns = 7, kInputs = kRows * kColumns, kOutputs = 10;
using Outputs = std::vector<float>;

struct Pair {
  Loaded loaded;
  tickmlp_session* session = nullptr;
  tickmlp_window* window = nullptr;
  Pair(const std::string& name, tickmlp_session_options options = {}, const char* kernel = nullptr)
      : loaded(weights_path(name), {kernel, TICKMLP_COPY, 0, nullptr}) {
    REQUIRE(loaded.status == TICKMLP_OK);
    REQUIRE(tickmlp_session_create(loaded.model, &options, &session, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_window_create(loaded.model, &options, &window, nullptr) == TICKMLP_OK);
  }
  ~Pair() {
    tickmlp_window_free(window);
    tickmlp_session_free(session);
  }
  Outputs full(const float* state) {
    Outputs outputs(kOutputs);
    REQUIRE(tickmlp_infer(session, state, kInputs, outputs.data(), kOutputs) == TICKMLP_OK);
    return outputs;
  }
  Outputs tick(const float* row) {
    Outputs outputs(kOutputs);
    REQUIRE(tickmlp_window_tick(window, row, kColumns, outputs.data(), kOutputs) == TICKMLP_OK);
    return outputs;
  }
  tickmlp_counters counters() const {
    tickmlp_counters counters;
    tickmlp_window_counters(window, &counters);
    return counters;
  }
};

bool same(const Outputs& a, const Outputs& b) { return std::memcmp(a.data(), b.data(), kOutputs * 4) == 0; }

std::vector<float> random_rows(size_t rows, uint32_t seed, float reach = 1.2f) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-reach, reach);
  std::vector<float> values(rows * kColumns);
  for (float& x : values) x = unit(random);
  return values;
}

}  // namespace

TEST_CASE("a day of bars: every tick equals the full path, on every kernel") {
  const std::vector<float> bars = random_rows(400, 1);
  for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
    tickmlp_kernel_info kernel;
    REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
    if (!kernel.available) continue;
    CAPTURE(kernel.name);
    Pair pair(kernel.type == TICKMLP_INT8 ? "tactical-int8" : "tactical-float32", {}, kernel.name);
    REQUIRE(tickmlp_window_reset(pair.window, bars.data(), kInputs) == TICKMLP_OK);
    std::vector<float> state(bars.begin(), bars.begin() + kInputs);
    const size_t closes = std::string(kernel.name).find("scalar") == std::string::npos ? 300 : 12;
    for (size_t bar = kRows; bar < kRows + closes; ++bar) {
      for (size_t tick = 0; tick < 3; ++tick) {  // the newest row changes a few times, then the bar closes
        const float* row = bars.data() + (bar * 3 + tick) % 390 * kColumns;
        std::memcpy(state.data() + kInputs - kColumns, row, kColumns * 4);
        REQUIRE(same(pair.tick(row), pair.full(state.data())));
      }
      REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
      std::memmove(state.data(), state.data() + kColumns, (kInputs - kColumns) * 4);
    }
    CHECK(pair.counters().inferences == 3 * closes);
  }
}

TEST_CASE("two advances without a tick between: the newest row is a copy") {
  Pair pair("tactical-int8");
  const std::vector<float> bars = random_rows(kRows, 2), row = random_rows(1, 3);
  REQUIRE(tickmlp_window_reset(pair.window, bars.data(), kInputs) == TICKMLP_OK);
  REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
  REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
  std::vector<float> state(bars.begin() + 2 * kColumns, bars.end());
  state.insert(state.end(), bars.end() - kColumns, bars.end());
  state.insert(state.end(), row.begin(), row.end());
  CHECK(same(pair.tick(row.data()), pair.full(state.data())));
}

TEST_CASE("refusals: named, nothing written, the window as it was") {
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    Pair pair(name);
    const std::vector<float> bars = random_rows(kRows, 4);
    std::vector<float> row = random_rows(2, 5);
    Outputs output(kOutputs, -7.0f);
    const auto tick = [&](const float* r, size_t n, float* o, size_t m) {
      return tickmlp_window_tick(pair.window, r, n, o, m);
    };
    CHECK(tick(row.data(), kColumns, output.data(), kOutputs) == TICKMLP_WINDOW_EMPTY);
    CHECK(tickmlp_window_advance(pair.window) == TICKMLP_WINDOW_EMPTY);
    CHECK(tickmlp_window_reset(pair.window, bars.data(), kInputs - 1) == TICKMLP_INPUT_COUNT);
    CHECK(tickmlp_window_reset(nullptr, bars.data(), kInputs) == TICKMLP_BAD_ARGUMENT);
    REQUIRE(tickmlp_window_reset(pair.window, bars.data(), kInputs) == TICKMLP_OK);
    const Outputs expected = pair.tick(row.data());
    CHECK(tick(row.data(), kColumns + 1, output.data(), kOutputs) == TICKMLP_INPUT_COUNT);
    CHECK(tick(row.data(), kColumns, output.data(), kOutputs - 1) == TICKMLP_OUTPUT_COUNT);
    CHECK(tick(reinterpret_cast<const float*>(reinterpret_cast<const char*>(row.data()) + 1), kColumns, output.data(),
               kOutputs) == TICKMLP_MISALIGNED);
    for (uint32_t at = 0; at < kInputs; ++at) {
      std::vector<float> bad = random_rows(kRows, 6);
      bad[at] = at % 2 ? NAN : INFINITY;
      REQUIRE(tickmlp_window_reset(pair.window, bad.data(), kInputs) == TICKMLP_NON_FINITE_INPUT);
    }
    for (uint32_t at = 0; at < kColumns; ++at) {
      std::vector<float> bad = random_rows(1, 7);
      bad[at] = NAN;
      REQUIRE(tick(bad.data(), kColumns, output.data(), kOutputs) == TICKMLP_NON_FINITE_INPUT);
    }
    CHECK(output == Outputs(kOutputs, -7.0f));
    CHECK(pair.counters().refused == kInputs + kColumns);
    CHECK(same(pair.tick(row.data()), expected));
    // What advance() carries on is the last row that was taken, not a refused one.
    REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
    std::vector<float> state(bars.begin() + kColumns, bars.end() - kColumns);
    state.insert(state.end(), row.begin(), row.end());
    CHECK(same(pair.tick(row.data() + kColumns), pair.full(state.data())));
  }
}

TEST_CASE("the output may lie over the row") {
  Pair pair("tactical-float32");
  const std::vector<float> bars = random_rows(kRows, 8);
  std::vector<float> both = random_rows(2, 9);
  REQUIRE(tickmlp_window_reset(pair.window, bars.data(), kInputs) == TICKMLP_OK);
  const Outputs expected = pair.tick(both.data());
  REQUIRE(tickmlp_window_tick(pair.window, both.data(), kColumns, both.data(), kOutputs) == TICKMLP_OK);
  CHECK(std::memcmp(both.data(), expected.data(), kOutputs * 4) == 0);
}

TEST_CASE("flush: the tick path and the full path flush alike and count") {
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    Pair pair(name, {TICKMLP_FLUSH, 0});
    std::vector<float> state = random_rows(kRows, 10);
    state[3] = NAN;
    std::vector<float> row = random_rows(1, 11);
    row[2] = NAN;
    REQUIRE(tickmlp_window_reset(pair.window, state.data(), kInputs) == TICKMLP_OK);
    std::memcpy(state.data() + kInputs - kColumns, row.data(), kColumns * 4);
    CHECK(same(pair.tick(row.data()), pair.full(state.data())));
    CHECK(pair.counters().flushed == 2);
    REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
  }
}

#if defined(__x86_64__) && defined(__GLIBC__)
TEST_CASE("signalling NaN with its exception unmasked: flushed, and the caller's environment given back") {
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    Pair pair(name, {TICKMLP_FLUSH, 0});
    std::vector<float> state = random_rows(kRows, 12), row = random_rows(1, 13);
    const uint32_t signalling = 0x7F800001u;
    std::memcpy(&state[5], &signalling, 4);
    std::memcpy(&row[1], &signalling, 4);
    Outputs output(kOutputs);
    std::feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_INVALID);
    const tickmlp_status statuses[] = {tickmlp_window_reset(pair.window, state.data(), kInputs),
                                       tickmlp_window_tick(pair.window, row.data(), kColumns, output.data(), kOutputs),
                                       tickmlp_window_advance(pair.window),
                                       tickmlp_infer(pair.session, state.data(), kInputs, output.data(), kOutputs)};
    const int enabled = fegetexcept();
    fedisableexcept(FE_ALL_EXCEPT);
    for (tickmlp_status status : statuses) CHECK(status == TICKMLP_OK);
    CHECK(enabled == FE_INVALID);
    CHECK(pair.counters().flushed == 2);
  }
}
#endif

TEST_CASE("a model without a window has none") {
  Loaded loaded(weights_path("strategic-int8"));
  REQUIRE(loaded.status == TICKMLP_OK);
  tickmlp_window* window = nullptr;
  tickmlp_error error = {};
  CHECK(tickmlp_window_create(loaded.model, nullptr, &window, &error) == TICKMLP_NO_WINDOW);
  CHECK_MESSAGE(std::string(error.message).find("--window") != std::string::npos, std::string(error.message));
  CHECK(window == nullptr);
  tickmlp_window_free(nullptr);
}

namespace {

// Says what was given back: a stale read of it must show.
void* allocate_noted(void* context, size_t bytes) {
  auto* memory = static_cast<unsigned char*>(std::malloc(bytes + 64));
  if (memory == nullptr) return nullptr;
  std::memcpy(memory, &bytes, sizeof bytes);
  *static_cast<int*>(context) += 1;
  return memory + 64;
}
void release_spoilt(void* context, void* memory) {
  if (memory == nullptr) return;
  auto* begin = static_cast<unsigned char*>(memory) - 64;
  size_t bytes;
  std::memcpy(&bytes, begin, sizeof bytes);
  std::memset(begin, 0xaa, bytes + 64);
  std::free(begin);
  *static_cast<int*>(context) -= 1;
}

}  // namespace

TEST_CASE("a window may be freed after its model") {
  int allocated = 0;
  const tickmlp_allocator allocator{allocate_noted, release_spoilt, &allocated};
  tickmlp_load_options options{};
  options.allocator = &allocator;
  tickmlp_model* model = nullptr;
  tickmlp_window* window = nullptr;
  REQUIRE(tickmlp_model_load(weights_path("tactical-int8").c_str(), &options, &model, nullptr) == TICKMLP_OK);
  REQUIRE(tickmlp_window_create(model, nullptr, &window, nullptr) == TICKMLP_OK);
  REQUIRE(tickmlp_window_reset(window, Outputs(kInputs).data(), kInputs) == TICKMLP_OK);
  tickmlp_model_free(model);
  CHECK(allocated == 1);
  tickmlp_window_free(window);
  CHECK(allocated == 0);
}

TEST_CASE("every element is counted as clipped when it comes in") {
  Pair pair("tactical-int8");
  std::vector<float> state(kInputs, 0.0f), row(kColumns, 0.0f);
  for (size_t i = 0; i < kColumns; ++i) state[i] = state[kInputs - 1 - i] = 100.0f;  // the oldest and the newest row
  REQUIRE(tickmlp_window_reset(pair.window, state.data(), kInputs) == TICKMLP_OK);
  CHECK(pair.counters().clipped == 2 * kColumns);
  REQUIRE(tickmlp_window_advance(pair.window) == TICKMLP_OK);
  CHECK(pair.counters().clipped == 2 * kColumns);
  pair.tick(row.data());
  row[3] = -100.0f;
  pair.tick(row.data());
  CHECK(pair.counters().clipped == 2 * kColumns + 1);
}
