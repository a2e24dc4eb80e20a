// SPDX-License-Identifier: Apache-2.0
// Forged fields with a true digest: each is refused by the name of what is wrong.
#include <cfloat>
#include <cmath>
#include <functional>

#include "blob_bytes.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

// Applies a change to a copy, makes the digest true, and says how that was refused.
tickmlp_status forged(const std::vector<uint8_t>& good, const std::function<void(std::vector<uint8_t>&)>& change,
                      tickmlp_error* error = nullptr) {
  std::vector<uint8_t> bytes = good;
  change(bytes);
  stamp(bytes);
  return verify(bytes, error);
}

template <typename T>
void poke(std::vector<uint8_t>& bytes, uint64_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

}  // namespace

TEST_CASE("wrong magic says what the file looks like") {
  const std::pair<std::string, std::string> cases[] = {{std::string("PK\3\4rest of a zip", 18), "zip"},
                                                       {"\x7f"
                                                        "ELFxxxxxxx",
                                                        "ELF"},
                                                       {std::string("\x80\2ccollections", 15), "pickle"},
                                                       {"\x93NUMPY\1", "NumPy"},
                                                       {std::string("\x40\1\0\0\0\0\0\0{\"a\":", 13), "safetensors"},
                                                       {"\x89TMLP\n\x1a\n", "text-mode"},
                                                       {"hello, world", "nothing known"}};
  for (const auto& [content, word] : cases) {
    tickmlp_error error = {};
    CHECK(verify({content.begin(), content.end()}, &error) == TICKMLP_BLOB_MAGIC);
    CHECK_MESSAGE(std::string(error.message).find(word) != std::string::npos, std::string(error.message));
  }
}

TEST_CASE("versions: 0, newer, byte-swapped, each said in words") {
  const std::vector<uint8_t> good = bundled("strategic-int8");
  const std::pair<uint32_t, std::string> cases[] = {{0, "no such version"}, {2, "newer"}, {0x01000000, "swapped"}};
  for (const auto& [version, word] : cases) {
    tickmlp_error error = {};
    CHECK(forged(
              good, [version = version](auto& b) { header_of(b).format_version = version; }, &error) ==
          TICKMLP_BLOB_VERSION);
    CHECK_MESSAGE(std::string(error.message).find(word) != std::string::npos, std::string(error.message));
  }
}

TEST_CASE("dimensions at 0, the maximum and beyond, and products that wrap") {
  const std::vector<uint8_t> good = bundled("tactical-int8");
  for (uint32_t value : {0u, 1u, 4096u, 4097u, 0x80000000u, 0xFFFFFFFFu}) {
    CAPTURE(value);
    CHECK(forged(good, [value](auto& b) { header_of(b).inputs = value; }) != TICKMLP_OK);
    CHECK(forged(good, [value](auto& b) { header_of(b).head_count = value; }) != TICKMLP_OK);
    CHECK(forged(good, [value](auto& b) { head_of(b, 0).hidden = value; }) != TICKMLP_OK);
    CHECK(forged(good, [value](auto& b) { head_of(b, 0).outputs = value; }) != TICKMLP_OK);
    CHECK(forged(good, [value](auto& b) { header_of(b).golden_count = value; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(forged(good, [value](auto& b) { header_of(b).feature_count = value; }) == TICKMLP_BLOB_DIMENSION);
    CHECK(forged(good, [value](auto& b) { header_of(b).window_rows = value; }) == TICKMLP_BLOB_DIMENSION);
  }
  // 2^31 x 2^31 + ... : 0x1_0000_01A4 wraps to 420 in 32 bits.
  CHECK(forged(good, [](auto& b) {
          header_of(b).window_rows = 0x40000069, header_of(b).window_columns = 4, header_of(b).feature_count = 4;
        }) == TICKMLP_BLOB_DIMENSION);
}

TEST_CASE("forged values, each refused by its name") {
  std::vector<uint8_t> good = bundled("tactical-int8");
  const BlobPlan plan = plan_of(good);
  const float infinity = INFINITY, nan = NAN;
  for (float scale : {0.0f, -1.0f, nan, infinity, 1e-40f, 1.0f}) {
    CAPTURE(scale);
    CHECK(forged(good, [&](auto& b) { poke(b, plan.input_scale.begin + 4 * 17, scale); }) == TICKMLP_BLOB_VALUE);
    if (scale != 1.0f)
      CHECK(forged(good, [&](auto& b) { poke(b, plan.lane_scale.begin + 4 * 100, scale); }) == TICKMLP_BLOB_VALUE);
  }
  for (float value : {nan, infinity, -infinity}) {
    CHECK(forged(good, [&](auto& b) { poke(b, plan.ranges.begin, value); }) == TICKMLP_BLOB_VALUE);
    CHECK(forged(good, [&](auto& b) { poke(b, plan.w2.begin + 64, value); }) == TICKMLP_BLOB_VALUE);
    CHECK(forged(good, [&](auto& b) { poke(b, plan.start2.begin, value); }) == TICKMLP_BLOB_VALUE);
    CHECK(forged(good, [&](auto& b) { poke(b, plan.golden_inputs.begin, value); }) == TICKMLP_BLOB_VALUE);
    CHECK(forged(good, [&](auto& b) { poke(b, plan.golden_outputs.begin, value); }) == TICKMLP_BLOB_VALUE);
    CHECK(forged(good, [&](auto& b) { head_of(b, 1).mean_error = value; }) == TICKMLP_BLOB_VALUE);
  }
  CHECK(forged(good, [&](auto& b) { poke(b, plan.w1.begin + 1234, int8_t{-128}); }) == TICKMLP_BLOB_VALUE);
  CHECK(forged(good, [&](auto& b) { head_of(b, 0).accumulator_bound -= 1; }) == TICKMLP_BLOB_BOUND);
  CHECK(forged(good, [&](auto& b) { head_of(b, 0).accumulator_bound += 1; }) == TICKMLP_BLOB_BOUND);
  CHECK(forged(good, [&](auto& b) { poke(b, plan.start.begin, int32_t{2147483647}); }) == TICKMLP_BLOB_BOUND);
  CHECK(forged(good, [&](auto& b) { poke(b, plan.start.begin, INT32_MIN); }) == TICKMLP_BLOB_BOUND);
  CHECK(forged(good, [&](auto& b) { head_of(b, 0).clamp_low = -0.0f; }) == TICKMLP_BLOB_VALUE);
  CHECK(forged(good, [&](auto& b) { head_of(b, 0).activation = 2; }) == TICKMLP_BLOB_TYPE);
  CHECK(forged(good, [&](auto& b) { header_of(b).element_type = 3; }) == TICKMLP_BLOB_TYPE);
  CHECK(forged(good, [&](auto& b) { header_of(b).layout = 3; }) == TICKMLP_BLOB_LAYOUT);
  CHECK(forged(good, [&](auto& b) { header_of(b).layout = 2; }) == TICKMLP_BLOB_DIMENSION);  // 0 kept inputs
  CHECK(forged(good, [&](auto& b) { header_of(b).kept_inputs = 420; }) == TICKMLP_BLOB_RESERVED);
  CHECK(forged(good, [&](auto& b) { header_of(b).reserved0 = 1; }) == TICKMLP_BLOB_RESERVED);
  CHECK(forged(good, [&](auto& b) { header_of(b).structure_hash ^= 1; }) == TICKMLP_BLOB_STRUCTURE);
  CHECK(forged(good, [&](auto& b) { std::memset(header_of(b).name, 'x', 64); }) == TICKMLP_BLOB_TEXT);
  CHECK(forged(good, [&](auto& b) { header_of(b).name[0] = 0; }) == TICKMLP_BLOB_TEXT);
  CHECK(forged(good, [&](auto& b) { header_of(b).run_id[0] = '\n'; }) == TICKMLP_BLOB_TEXT);
  CHECK(forged(good, [&](auto& b) { header_of(b).run_id[0] = '\xff'; }) == TICKMLP_BLOB_TEXT);
  CHECK(forged(good, [&](auto& b) { std::memcpy(head_of(b, 1).name, head_of(b, 0).name, 32); }) == TICKMLP_BLOB_TEXT);
}

TEST_CASE("forged padding: lanes, weights beyond the last input, section tails") {
  std::vector<uint8_t> good = bundled("strategic-int8");  // 13 inputs: the last quad holds one input and three paddings
  const BlobPlan plan = plan_of(good);
  REQUIRE(header_of(good).inputs % 4 == 1);
  const uint64_t last_byte = plan.w1.begin + plan.w1.bytes - 1;
  CHECK(forged(good, [&](auto& b) { poke(b, last_byte, int8_t{1}); }) == TICKMLP_BLOB_RESERVED);
  CHECK(forged(good, [&](auto& b) { poke(b, plan.start2.begin + plan.start2.bytes, uint8_t{1}); }) ==
        TICKMLP_BLOB_RESERVED);
  CHECK(forged(good, [&](auto& b) { poke(b, plan.ranges.begin + plan.ranges.bytes, uint8_t{1}); }) ==
        TICKMLP_BLOB_RESERVED);
}

TEST_CASE("a golden output that no kernel gives") {
  for (const char* name : {"tactical-int8", "tactical-float32"}) {
    std::vector<uint8_t> bytes = bundled(name);
    const BlobPlan plan = plan_of(bytes);
    bytes[plan.golden_outputs.begin + 4 * 11] ^= 1;  // one unit in the last place of one output
    stamp(bytes);
    REQUIRE(verify(bytes) == TICKMLP_OK);
    tickmlp_model* model = nullptr;
    tickmlp_error error = {};
    CHECK(tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, &model, &error) == TICKMLP_BLOB_GOLDEN);
    CHECK(model == nullptr);
    CHECK_MESSAGE(std::string(error.message).find("golden vector 1, output 1") != std::string::npos,
                  std::string(error.message));
  }
}
