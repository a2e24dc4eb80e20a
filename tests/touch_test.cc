// SPDX-License-Identifier: Apache-2.0
// touch() changes nothing that a caller can see: outputs, counters, rows, refusals.
#include <cmath>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

constexpr uint32_t kRows = 60, kColumns = 7, kInputs = kRows * kColumns, kOutputs = 10;
using Floats = std::vector<float>;

Floats random_values(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1.2f, 1.2f);  // some are clipped
  Floats values(count);
  for (float& x : values) x = unit(random);
  return values;
}

bool same(const void* a, const void* b, size_t bytes) { return std::memcmp(a, b, bytes) == 0; }

// What a caller sees of a session or a window over a run: outputs, statuses and counters.
struct Seen {
  Floats outputs;
  std::vector<tickmlp_status> statuses;
  std::vector<tickmlp_counters> counters;
  bool operator==(const Seen& other) const {
    return outputs.size() == other.outputs.size() && statuses == other.statuses &&
           same(outputs.data(), other.outputs.data(), outputs.size() * sizeof(float)) &&
           same(counters.data(), other.counters.data(), counters.size() * sizeof(tickmlp_counters));
  }
};

Seen run_session(const Loaded& loaded, tickmlp_session_options options, int touches) {
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(loaded.model, &options, &session, nullptr) == TICKMLP_OK);
  Seen seen;
  for (uint32_t i = 0; i < 50; ++i) {
    Floats state = random_values(kInputs, i), output(kOutputs, -7.0f);
    if (i % 10 == 9) state[i] = NAN;  // refused, or flushed
    for (int k = 0; k < touches; ++k) REQUIRE(tickmlp_session_touch(session) == TICKMLP_OK);
    seen.statuses.push_back(tickmlp_infer(session, state.data(), kInputs, output.data(), kOutputs));
    for (int k = 0; k < touches; ++k) REQUIRE(tickmlp_session_touch(session) == TICKMLP_OK);
    seen.outputs.insert(seen.outputs.end(), output.begin(), output.end());
    tickmlp_session_counters(session, &seen.counters.emplace_back());
  }
  tickmlp_session_free(session);
  return seen;
}

// Touches come between every two calls: after reset, after ticks, refused ones too, and round advance().
Seen run_window(const Loaded& loaded, tickmlp_session_options options, int touches) {
  tickmlp_window* window = nullptr;
  REQUIRE(tickmlp_window_create(loaded.model, &options, &window, nullptr) == TICKMLP_OK);
  const auto touch = [&] {
    for (int k = 0; k < touches; ++k) REQUIRE(tickmlp_window_touch(window) == TICKMLP_OK);
  };
  Seen seen;
  const Floats state = random_values(kInputs, 1);
  REQUIRE(tickmlp_window_reset(window, state.data(), kInputs) == TICKMLP_OK);
  for (uint32_t i = 0; i < 200; ++i) {
    Floats row = random_values(kColumns, i), output(kOutputs, -7.0f);
    if (i % 10 == 9) row[i % kColumns] = INFINITY;
    touch();
    seen.statuses.push_back(tickmlp_window_tick(window, row.data(), kColumns, output.data(), kOutputs));
    touch();
    if (i % 3 == 2) REQUIRE(tickmlp_window_advance(window) == TICKMLP_OK);
    seen.outputs.insert(seen.outputs.end(), output.begin(), output.end());
    tickmlp_window_counters(window, &seen.counters.emplace_back());
  }
  tickmlp_window_free(window);
  return seen;
}

}  // namespace

TEST_CASE("a touched session gives the same outputs and counters as an untouched one") {
  for (const char* name : {"tactical-int8", "tactical-float32"})
    for (const tickmlp_non_finite non_finite : {TICKMLP_STRICT, TICKMLP_FLUSH}) {
      const Loaded loaded(weights_path(name));
      const Seen plain = run_session(loaded, {non_finite, 0}, 0);
      CHECK(plain.counters.back().inferences == (non_finite == TICKMLP_STRICT ? 45 : 50));
      CHECK(run_session(loaded, {non_finite, 0}, 2) == plain);
    }
}

TEST_CASE("a touched window gives the same outputs and counters as an untouched one") {
  for (const char* name : {"tactical-int8", "tactical-float32"})
    for (const tickmlp_non_finite non_finite : {TICKMLP_STRICT, TICKMLP_FLUSH}) {
      const Loaded loaded(weights_path(name));
      const Seen plain = run_window(loaded, {non_finite, 0}, 0);
      CHECK(plain.counters.back().inferences == (non_finite == TICKMLP_STRICT ? 180 : 200));
      CHECK(run_window(loaded, {non_finite, 0}, 2) == plain);
    }
}

TEST_CASE("a touch before the first reset, and of nothing") {
  const Loaded loaded(weights_path("tactical-int8"));
  tickmlp_window* window = nullptr;
  REQUIRE(tickmlp_window_create(loaded.model, nullptr, &window, nullptr) == TICKMLP_OK);
  CHECK(tickmlp_window_touch(window) == TICKMLP_WINDOW_EMPTY);
  tickmlp_window_free(window);
  CHECK(tickmlp_window_touch(nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_session_touch(nullptr) == TICKMLP_BAD_ARGUMENT);
}
