// SPDX-License-Identifier: Apache-2.0
// A window of one row: the newest row is the whole state.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

using Outputs = std::vector<float>;

Outputs random_values(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1.2f, 1.2f);
  Outputs values(count);
  for (float& x : values) x = unit(random);
  return values;
}

// Hands out one block after another and remembers the last.
struct LastBlock {
  uint8_t* begin = nullptr;
  size_t bytes = 0;
  static void* allocate(void* context, size_t bytes) {
    auto& last = *static_cast<LastBlock*>(context);
    last = {static_cast<uint8_t*>(std::malloc(bytes)), bytes};
    return last.begin;
  }
  static void release(void*, void* memory) { std::free(memory); }
  bool holds(const Outputs& row) const {
    const auto* bytes_of_row = reinterpret_cast<const uint8_t*>(row.data());
    return std::search(begin, begin + bytes, bytes_of_row, bytes_of_row + row.size() * 4) != begin + bytes;
  }
};

// The strategic model's 13 inputs as a window of one row.
std::vector<uint8_t> one_row(const char* name) {
  std::vector<uint8_t> bytes = bundled(name);
  tickmlp::BlobHeader& header = header_of(bytes);
  header.window_rows = 1, header.window_columns = header.inputs;
  header.structure_hash = tickmlp::structure_hash(header, &head_of(bytes, 0));
  stamp(bytes);
  return bytes;
}

}  // namespace

// Nothing older than the newest row is left, so an output never tells which row the window remembers: its memory does.
TEST_CASE("a window of one row: ticks equal the full path, and a refused row leaves the row before in its place") {
  for (const char* name : {"strategic-int8", "strategic-float32"}) {
    CAPTURE(name);
    const std::vector<uint8_t> bytes = one_row(name);
    LastBlock block;
    const tickmlp_allocator allocator = {LastBlock::allocate, LastBlock::release, &block};
    const tickmlp_load_options load = {nullptr, TICKMLP_COPY, 0, &allocator};
    const tickmlp_session_options flush = {TICKMLP_FLUSH, 0};
    tickmlp_model* model = nullptr;
    tickmlp_session* session = nullptr;
    tickmlp_window *strict = nullptr, *flushing = nullptr;
    REQUIRE(tickmlp_model_load_bytes(bytes.data(), bytes.size(), &load, &model, nullptr) == TICKMLP_OK);
    const uint32_t inputs = tickmlp_model_describe(model)->inputs, outputs = tickmlp_model_describe(model)->outputs;
    REQUIRE(tickmlp_session_create(model, nullptr, &session, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_window_create(model, nullptr, &strict, nullptr) == TICKMLP_OK);
    const LastBlock of_strict = block;
    REQUIRE(tickmlp_window_create(model, &flush, &flushing, nullptr) == TICKMLP_OK);
    const LastBlock of_flushing = block;
    const Outputs first = random_values(inputs, 14), row = random_values(inputs, 15), next = random_values(inputs, 16);
    Outputs full(outputs), output(outputs);
    const auto tick = [&](tickmlp_window* window, const Outputs& from) {
      return tickmlp_window_tick(window, from.data(), inputs, output.data(), outputs);
    };
    for (tickmlp_window* window : {strict, flushing}) {
      const LastBlock& memory = window == strict ? of_strict : of_flushing;
      REQUIRE(tickmlp_window_reset(window, first.data(), inputs) == TICKMLP_OK);
      REQUIRE(tick(window, row) == TICKMLP_OK);
      REQUIRE(tickmlp_infer(session, row.data(), inputs, full.data(), outputs) == TICKMLP_OK);
      CHECK(std::memcmp(output.data(), full.data(), outputs * 4) == 0);
      for (uint32_t at = 0; at < inputs; ++at) {
        Outputs bad = next;
        bad[at] = INFINITY;
        output.assign(outputs, -7.0f);
        // Flushed to the largest float: int8 clips it; in float32 plain ReLU and a head's sum may leave the range.
        const tickmlp_status status = tick(window, bad);
        REQUIRE((status == TICKMLP_OK || output == Outputs(outputs, -7.0f)));
        if (window == strict) REQUIRE(status == TICKMLP_NON_FINITE_INPUT);
        if (window == flushing && std::strstr(name, "int8")) REQUIRE(status == TICKMLP_OK);
        if (status == TICKMLP_OK) REQUIRE(tick(window, row) == TICKMLP_OK);
        // The second advance writes over whatever held a copy of the row, unless it is the newest one.
        REQUIRE(tickmlp_window_advance(window) == TICKMLP_OK);
        REQUIRE(tickmlp_window_advance(window) == TICKMLP_OK);
        REQUIRE(memory.holds(row));
      }
      if (window == flushing && std::strstr(name, "float32")) {
        tickmlp_counters counters;
        tickmlp_window_counters(window, &counters);
        CHECK(counters.refused > 0);
      }
      REQUIRE(tick(window, next) == TICKMLP_OK);
      REQUIRE(tickmlp_infer(session, next.data(), inputs, full.data(), outputs) == TICKMLP_OK);
      CHECK(std::memcmp(output.data(), full.data(), outputs * 4) == 0);
      tickmlp_window_free(window);
    }
    tickmlp_session_free(session);
    tickmlp_model_free(model);
  }
}
