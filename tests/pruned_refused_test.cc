// SPDX-License-Identifier: Apache-2.0
// What is refused of pruned models: forged lists of kept inputs, each by its name, and states that are not finite
// wherever that stands.
#include <cfloat>
#include <functional>

#include "pruned_blob.h"
#include "team_model.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

struct Forged {
  tickmlp_status status;
  std::string message;
};

Forged forge(const std::vector<uint8_t>& good, const std::function<void(std::vector<uint8_t>&)>& change) {
  std::vector<uint8_t> bytes = good;
  change(bytes);
  stamp(bytes);
  tickmlp_error error = {};
  const tickmlp_status status = verify(bytes, &error);
  return {status, error.message};
}

bool holds(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

// 40 inputs, 240 lanes; the first and the last and as many between them as asked for.
struct Edge {
  RandomNetwork model;
  Mask read = Mask(40, true);
  Edge(ElementType type, uint32_t unread)
      : model(type, 40, {{100, 3, true, 6.0f}, {60, 3, true, kInfinity}, {64, 1, false, 6.0f}}, 81) {
    for (uint32_t i = 1; i <= unread; ++i) read[i] = false;
    keep_only(model, read);
  }
  Forged verified(bool pruned) {
    tickmlp_error error = {};
    const tickmlp_status status = verify(blob_of(model, read, 0, pruned), &error);
    return {status, error.message};
  }
};

// The first state of a pruned model that is finite, with its outputs.
struct Running {
  std::vector<uint8_t> bytes;
  tickmlp_model* model = nullptr;
  explicit Running(ElementType type, const Kernel& kernel) : bytes(pruned_sample(type)) {
    tickmlp_load_options options = {};
    options.kernel = kernel.name;
    REQUIRE(tickmlp_model_load_bytes(bytes.data(), bytes.size(), &options, &model, nullptr) == TICKMLP_OK);
  }
  ~Running() { tickmlp_model_free(model); }
  Running(const Running&) = delete;
};

}  // namespace

TEST_CASE("a model has one layout: the other is refused on both sides of the bound") {
  // 240 bytes a row in int8, 960 in float32; the bound is 4,096 bytes.
  for (const auto& [type, enough] : {std::pair{ElementType::kInt8, 18u}, {ElementType::kFloat32, 5u}}) {
    CHECK(Edge(type, enough - 1).verified(false).status == TICKMLP_OK);
    const Forged early = Edge(type, enough - 1).verified(true), late = Edge(type, enough).verified(false);
    CHECK(early.status == TICKMLP_BLOB_LAYOUT);
    CHECK_MESSAGE(holds(early.message, "layout is 2; 4") == (enough == 5), early.message);
    CHECK(holds(early.message, "makes it 1"));
    CHECK(late.status == TICKMLP_BLOB_LAYOUT);
    CHECK(holds(late.message, "makes it 2"));
    CHECK(Edge(type, enough).verified(true).status == TICKMLP_OK);
  }
}

TEST_CASE("inputs unread before the first and after the last that is read do not count") {
  for (ElementType type : kTypes) {
    RandomNetwork model(type, 80, {{240, 3, true, 6.0f}}, 82);
    Mask read(80);
    for (uint32_t i = 30; i < 50; ++i) read[i] = true;
    keep_only(model, read);
    CHECK(verify(blob_of(model, read, 0, false)) == TICKMLP_OK);
    CHECK(verify(blob_of(model, read, 0, true)) == TICKMLP_BLOB_LAYOUT);
    RandomNetwork none(type, 80, {{240, 3, true, 6.0f}}, 83);
    keep_only(none, Mask(80));
    CHECK(verify(blob_of(none, Mask(80), 0, false)) == TICKMLP_OK);
  }
}

TEST_CASE("forged lists of kept inputs, each refused by its name") {
  for (ElementType type : kTypes) {
    std::vector<uint8_t> good = pruned_sample(type);
    const BlobPlan plan = plan_of(good);
    REQUIRE(plan.stored_inputs == 28);
    const uint64_t mask = plan.kept.begin;
    const auto status = [&](const auto& change) { return forge(good, change).status; };
    for (uint32_t i = 0; i < 48; ++i)  // one more or one less than kept_inputs says; of the newest row none may lack
      CHECK(status([&](auto& b) { b[mask + i / 8] ^= static_cast<uint8_t>(1 << i % 8); }) ==
            (i < 40 ? TICKMLP_BLOB_DIMENSION : TICKMLP_BLOB_VALUE));
    // As many, but another: only the golden outputs can tell, and they do.
    std::vector<uint8_t> moved = good;
    moved[mask] ^= 0b1100;
    stamp(moved);
    tickmlp_model* model = nullptr;
    if (type == ElementType::kFloat32) CHECK(verify(moved) == TICKMLP_OK);
    if (verify(moved) == TICKMLP_OK)
      CHECK(tickmlp_model_load_bytes(moved.data(), moved.size(), nullptr, &model, nullptr) == TICKMLP_BLOB_GOLDEN);
    // Beyond the last input lies padding.
    CHECK(status([&](auto& b) { b[mask + 6] = 1; }) == TICKMLP_BLOB_RESERVED);
    CHECK(status([&](auto& b) { header_of(b).kept_inputs = 0; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(status([&](auto& b) { header_of(b).kept_inputs = 1; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(status([&](auto& b) { header_of(b).kept_inputs = 48; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(status([&](auto& b) { header_of(b).kept_inputs = UINT32_MAX; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(status([&](auto& b) { header_of(b).layout = 1; }) == TICKMLP_BLOB_RESERVED);
    CHECK(status([&](auto& b) { header_of(b).layout = 1, header_of(b).kept_inputs = 0; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(status([&](auto& b) { header_of(b).layout = 3; }) == TICKMLP_BLOB_LAYOUT);
    // A kept row of zeros: the fifth, which is input 8.
    const Forged empty = forge(good, [&](auto& b) {
      Network stored = {};
      stored.inputs = plan.stored_inputs;
      stored.groups = plan.lanes / kGroup;
      const size_t size = type == ElementType::kInt8 ? 1 : 4;
      for (uint32_t lane = 0; lane < plan.lanes; ++lane)
        std::memset(b.data() + plan.w1.begin + weight_index(stored, type, lane, 4) * size, 0, size);
    });
    CHECK(empty.status == TICKMLP_BLOB_VALUE);
    CHECK_MESSAGE(holds(empty.message, "input 8 is kept"), empty.message);
  }
}

TEST_CASE("bits beyond the last input, in its own byte") {
  RandomNetwork model(ElementType::kInt8, 37, {{240, 3, true, 6.0f}}, 84);
  Mask read(37);
  for (uint32_t i = 0; i < 37; i += 2) read[i] = true;
  keep_only(model, read);
  std::vector<uint8_t> good = blob_of(model, read, 0, true);
  const BlobPlan plan = plan_of(good);
  for (int bit = 5; bit < 8; ++bit)
    CHECK(forge(good, [&](auto& b) { b[plan.kept.begin + 4] |= static_cast<uint8_t>(1 << bit); }).status ==
          TICKMLP_BLOB_RESERVED);
}

TEST_CASE("a value that is not finite is refused or flushed wherever it stands, in pruned inputs too") {
  constexpr uint32_t kInputs = 48, kColumns = 8, kNewest = kInputs - kColumns;
  std::mt19937 random(85);
  for (ElementType type : kTypes)
    for (const Kernel* kernel : kernels_here(type)) {
      CAPTURE(kernel->name);
      const Running running(type, *kernel);
      const uint32_t outputs = tickmlp_model_describe(running.model)->outputs;
      const tickmlp_session_options flush = {TICKMLP_FLUSH, 0};
      tickmlp_session *strict = nullptr, *flushing = nullptr;
      tickmlp_window* window = nullptr;
      tickmlp_sparse* sparse = nullptr;
      REQUIRE(tickmlp_session_create(running.model, nullptr, &strict, nullptr) == TICKMLP_OK);
      REQUIRE(tickmlp_session_create(running.model, &flush, &flushing, nullptr) == TICKMLP_OK);
      REQUIRE(tickmlp_window_create(running.model, nullptr, &window, nullptr) == TICKMLP_OK);
      if (type == ElementType::kInt8)
        REQUIRE(tickmlp_sparse_create(running.model, nullptr, &sparse, nullptr) == TICKMLP_OK);
      const std::vector<float> good = random_input(5 * kInputs, random, 1.0f);
      std::vector<float> output(outputs), expected(outputs), batch(5 * outputs, -7.0f);
      for (uint32_t at = 0; at < kInputs; ++at) {
        std::vector<float> bad = good;
        bad[2 * kInputs + at] = NAN;
        const float* state = bad.data() + 2 * kInputs;
        CHECK(tickmlp_infer(strict, state, kInputs, output.data(), outputs) == TICKMLP_NON_FINITE_INPUT);
        size_t done = 0;
        CHECK(tickmlp_infer_batch(strict, bad.data(), 5, batch.data(), &done) == TICKMLP_NON_FINITE_INPUT);
        CHECK(done == 2);
        CHECK(tickmlp_window_reset(window, state, kInputs) == TICKMLP_NON_FINITE_INPUT);
        REQUIRE(tickmlp_window_reset(window, good.data(), kInputs) == TICKMLP_OK);
        if (at >= kNewest)
          CHECK(tickmlp_window_tick(window, state + kNewest, kColumns, output.data(), outputs) ==
                TICKMLP_NON_FINITE_INPUT);
        if (sparse != nullptr) {
          CHECK(tickmlp_sparse_reset(sparse, state, kInputs) == TICKMLP_NON_FINITE_INPUT);
          REQUIRE(tickmlp_sparse_reset(sparse, good.data(), kInputs) == TICKMLP_OK);
          CHECK(tickmlp_sparse_update(sparse, &at, state + at, 1, output.data(), outputs) == TICKMLP_NON_FINITE_INPUT);
        }
        std::vector<float> zero = bad;
        zero[2 * kInputs + at] = 0.0f;
        REQUIRE(tickmlp_infer(flushing, state, kInputs, output.data(), outputs) == TICKMLP_OK);
        REQUIRE(tickmlp_infer(strict, zero.data() + 2 * kInputs, kInputs, expected.data(), outputs) == TICKMLP_OK);
        CHECK(std::memcmp(output.data(), expected.data(), 4 * outputs) == 0);
      }
      tickmlp_counters counters;
      tickmlp_session_counters(flushing, &counters);
      CHECK(counters.flushed == kInputs);
      CHECK(tickmlp_infer(strict, good.data(), 28, output.data(), outputs) == TICKMLP_INPUT_COUNT);
      tickmlp_session_free(strict);
      tickmlp_session_free(flushing);
      tickmlp_window_free(window);
      tickmlp_sparse_free(sparse);
    }
}
