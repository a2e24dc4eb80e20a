// SPDX-License-Identifier: Apache-2.0
// Inference through the public interface: counts, alignment, aliasing, non-finite values, the float environment.
#include <cfenv>
#include <cfloat>
#include <cmath>
#include <random>

#include "blob_bytes.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace tickmlp::testing;

namespace {

constexpr float kInfinity = INFINITY;

struct Ready {
  tickmlp_model* model = nullptr;
  tickmlp_session* session = nullptr;
  explicit Ready(const char* name, tickmlp_session_options options = {}, const char* kernel = nullptr) {
    const tickmlp_load_options load = {kernel, TICKMLP_COPY, 0, nullptr};
    REQUIRE(tickmlp_model_load(weights_path(name).c_str(), &load, &model, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_session_create(model, &options, &session, nullptr) == TICKMLP_OK);
  }
  ~Ready() {
    tickmlp_session_free(session);
    tickmlp_model_free(model);
  }
  tickmlp_counters counters() const {
    tickmlp_counters counters;
    tickmlp_session_counters(session, &counters);
    return counters;
  }
  tickmlp_status infer(const float* input, float* output) { return tickmlp_infer(session, input, 420, output, 10); }
};

std::vector<float> state(uint32_t seed, size_t count = 420) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  std::vector<float> values(count);
  for (float& x : values) x = unit(random);
  return values;
}

using Outputs = std::vector<float>;
bool same_bits(const Outputs& a, const Outputs& b) { return std::memcmp(a.data(), b.data(), 40) == 0; }

constexpr const char* kTactical[] = {"tactical-int8", "tactical-float32"};

}  // namespace

TEST_CASE("wrong counts, NULL and misaligned pointers: named, and nothing written") {
  for (const char* name : kTactical) {
    Ready ready(name);
    const std::vector<float> input = state(1, 500);
    Outputs output(10, -7.0f);
    for (size_t count : {size_t{0}, size_t{419}, size_t{421}, SIZE_MAX})
      CHECK(tickmlp_infer(ready.session, input.data(), count, output.data(), 10) == TICKMLP_INPUT_COUNT);
    for (size_t count : {size_t{0}, size_t{9}, size_t{11}})
      CHECK(tickmlp_infer(ready.session, input.data(), 420, output.data(), count) == TICKMLP_OUTPUT_COUNT);
    CHECK(tickmlp_infer(nullptr, input.data(), 420, output.data(), 10) == TICKMLP_BAD_ARGUMENT);
    CHECK(ready.infer(nullptr, output.data()) == TICKMLP_BAD_ARGUMENT);
    CHECK(ready.infer(input.data(), nullptr) == TICKMLP_BAD_ARGUMENT);
    const auto* bytes = reinterpret_cast<const char*>(input.data());
    auto* out_bytes = reinterpret_cast<char*>(output.data());
    for (int shift = 1; shift < 64; ++shift) {
      const auto* shifted = reinterpret_cast<const float*>(bytes + shift);
      CHECK(ready.infer(shifted, output.data()) == (shift % 4 == 0 ? TICKMLP_OK : TICKMLP_MISALIGNED));
    }
    CHECK(ready.infer(input.data(), reinterpret_cast<float*>(out_bytes + 1)) == TICKMLP_MISALIGNED);
    CHECK(tickmlp_infer_batch(ready.session, reinterpret_cast<const float*>(bytes + 2), 1, output.data(), nullptr) ==
          TICKMLP_MISALIGNED);
  }
}

TEST_CASE("the same state at every alignment, and with the output over the input") {
  for (const char* name : kTactical) {
    Ready ready(name);
    const std::vector<float> input = state(2);
    Outputs expected(10), seen(10);
    REQUIRE(ready.infer(input.data(), expected.data()) == TICKMLP_OK);
    std::vector<float> room(420 + 16);
    for (int shift = 0; shift < 16; ++shift) {
      std::copy(input.begin(), input.end(), room.begin() + shift);
      REQUIRE(ready.infer(room.data() + shift, seen.data()) == TICKMLP_OK);
      CHECK(same_bits(seen, expected));
    }
    for (int at : {0, 5, 205, 410}) {
      std::copy(input.begin(), input.end(), room.begin());
      REQUIRE(ready.infer(room.data(), room.data() + at) == TICKMLP_OK);
      CHECK(std::memcmp(room.data() + at, expected.data(), 40) == 0);
    }
  }
}

TEST_CASE("strict: NaN or infinity anywhere is refused and counted, nothing written") {
  for (const char* name : kTactical) {
    Ready ready(name);
    uint64_t refused = 0;
    for (float bad : {NAN, -NAN, kInfinity, -kInfinity})
      for (int at = 0; at < 420; at += 7) {
        std::vector<float> input = state(3);
        input[at] = bad;
        Outputs output(10, -7.0f);
        REQUIRE(ready.infer(input.data(), output.data()) == TICKMLP_NON_FINITE_INPUT);
        REQUIRE(output == Outputs(10, -7.0f));
        REQUIRE(ready.counters().refused == ++refused);
      }
    CHECK(ready.counters().inferences == 0);
  }
}

TEST_CASE("flush: NaN is 0 and infinity the largest float, counted") {
  for (const char* name : kTactical) {
    Ready strict(name), flush(name, {TICKMLP_FLUSH, 0});
    std::vector<float> dirty = state(4), clean = dirty;
    dirty[0] = NAN, clean[0] = 0.0f;
    dirty[200] = kInfinity, clean[200] = FLT_MAX;
    dirty[419] = -kInfinity, clean[419] = -FLT_MAX;
    Outputs expected(10), seen(10);
    const tickmlp_status status = strict.infer(clean.data(), expected.data());
    CHECK(flush.infer(dirty.data(), seen.data()) == status);
    if (status == TICKMLP_OK) CHECK(same_bits(seen, expected));
    CHECK(flush.counters().flushed == 3);
    CHECK(std::isnan(dirty[0]));  // the caller's input is not touched
  }
}

TEST_CASE("clipped inputs are counted") {
  Ready ready("tactical-int8");
  std::vector<float> input(420, 0.0f);
  Outputs output(10);
  REQUIRE(ready.infer(input.data(), output.data()) == TICKMLP_OK);
  CHECK(ready.counters().clipped == 0);
  input[0] = input[419] = 1000.0f, input[211] = -1000.0f;
  REQUIRE(ready.infer(input.data(), output.data()) == TICKMLP_OK);
  CHECK(ready.counters().clipped == 3);
  CHECK(ready.counters().inferences == 2);
}

TEST_CASE("a non-finite mode that does not exist") {
  Ready ready("strategic-int8");
  const int wrong[2] = {7, 0};
  tickmlp_session_options options;
  std::memcpy(&options, wrong, sizeof options);
  tickmlp_session* session = nullptr;
  CHECK(tickmlp_session_create(ready.model, &options, &session, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(session == nullptr);
}

TEST_CASE("a batch equals one at a time, and stops at the first state that fails") {
  for (const char* name : kTactical) {
    Ready ready(name);
    std::vector<float> inputs = state(5, 420 * 9);
    std::vector<float> outputs(90, -7.0f);
    size_t done = 99;
    REQUIRE(tickmlp_infer_batch(ready.session, inputs.data(), 9, outputs.data(), &done) == TICKMLP_OK);
    CHECK(done == 9);
    for (int s = 0; s < 9; ++s) {
      Outputs one(10);
      REQUIRE(ready.infer(inputs.data() + 420 * s, one.data()) == TICKMLP_OK);
      CHECK(std::memcmp(one.data(), outputs.data() + 10 * s, 40) == 0);
    }
    inputs[420 * 4 + 3] = NAN;
    std::fill(outputs.begin(), outputs.end(), -7.0f);
    CHECK(tickmlp_infer_batch(ready.session, inputs.data(), 9, outputs.data(), &done) == TICKMLP_NON_FINITE_INPUT);
    CHECK(done == 4);
    CHECK(outputs[40] == -7.0f);
    CHECK(tickmlp_infer_batch(ready.session, inputs.data(), 0, outputs.data(), &done) == TICKMLP_OK);
    CHECK(done == 0);
  }
}

TEST_CASE("the caller's float environment changes no bit, and is given back") {
  for (const char* name : kTactical)
    for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel;
      REQUIRE(tickmlp_kernel_get(k, &kernel) == TICKMLP_OK);
      if (!kernel.available ||
          std::string(name).find(kernel.type == TICKMLP_INT8 ? "int8" : "float32") == std::string::npos)
        continue;
      CAPTURE(kernel.name);
      Ready ready(name, {}, kernel.name);
      std::vector<float> input = state(6);
      for (int i = 0; i < 420; i += 3) input[i] *= 1e-39f;  // subnormals, which FTZ and DAZ would lose
      Outputs expected(10), seen(10);
      REQUIRE(ready.infer(input.data(), expected.data()) == TICKMLP_OK);
      for (int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        std::fesetround(mode);
        const tickmlp_status status = ready.infer(input.data(), seen.data());
        const int after = std::fegetround();
        std::fesetround(FE_TONEAREST);
        CHECK(status == TICKMLP_OK);
        CHECK(after == mode);
        CHECK(same_bits(seen, expected));
      }
#if defined(__x86_64__)
      for (unsigned control : {0x1F80u | 0x8000u, 0x1F80u | 0x40u, 0xFFC0u}) {
        const unsigned before = _mm_getcsr();
        _mm_setcsr(control);
        const tickmlp_status status = ready.infer(input.data(), seen.data());
        const unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        CHECK(status == TICKMLP_OK);
        CHECK((after & 0xFFC0) == (control & 0xFFC0));
        CHECK(same_bits(seen, expected));
      }
#endif
    }
}
