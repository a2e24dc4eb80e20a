// SPDX-License-Identifier: Apache-2.0
// Damage: every flip of a bit, every truncation, every forged field is refused by name.
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "../kernels/contract.h"
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

size_t header_bytes(std::vector<uint8_t>& bytes) {
  return sizeof(BlobHeader) + header_of(bytes).head_count * sizeof(BlobHead);
}

// Fields whose value is free within their form: a change there is another valid blob of another provenance.
bool is_free(size_t at) {
  const auto within = [at](size_t begin, size_t size) { return at >= begin && at < begin + size; };
  if (at < sizeof(BlobHeader))
    return within(offsetof(BlobHeader, generation), 8) || within(offsetof(BlobHeader, accuracy_states), 16) ||
           within(offsetof(BlobHeader, digest), 64) || within(offsetof(BlobHeader, name), 160) ||
           within(offsetof(BlobHeader, calibration_sha256), 32);
  const size_t in_head = (at - sizeof(BlobHeader)) % sizeof(BlobHead);
  return in_head < 32 || (in_head >= offsetof(BlobHead, largest_error) && in_head < offsetof(BlobHead, reserved1));
}

// Every Nth case only, where a sanitizer or an emulator makes each 20 times as slow: TICKMLP_STRIDE=N. 1 is all of them.
size_t stride() {
  static const char* const text = std::getenv("TICKMLP_STRIDE");
  static const size_t value = text != nullptr ? std::strtoul(text, nullptr, 10) : 1;
  return value > 0 ? value : 1;
}

void flip_all(std::vector<uint8_t> bytes, size_t begin, size_t end) {
  for (size_t at = begin * 8; at < end * 8; at += stride()) {
    const auto mask = static_cast<uint8_t>(1 << at % 8);
    bytes[at / 8] ^= mask;
    if (verify(bytes) == TICKMLP_OK) FAIL("bit " << at % 8 << " of byte " << at / 8 << " flipped, and accepted");
    bytes[at / 8] ^= mask;
  }
}

}  // namespace

TEST_CASE("the bundled blobs are valid") {
  for (const char* name : kBundled) {
    std::vector<uint8_t> bytes = bundled(name);
    tickmlp_error error = {};
    const tickmlp_status status = verify(bytes, &error);
    CHECK_MESSAGE(status == TICKMLP_OK, std::string(name) << ": " << std::string(error.message));
  }
}

TEST_CASE("every single bit of the header and the head records") {
  for (const char* name : kBundled) {
    std::vector<uint8_t> bytes = bundled(name);
    flip_all(bytes, 0, header_bytes(bytes));
  }
}

TEST_CASE("20,000 random bits of the payload") {
  for (const char* name : {"tactical-int8", "strategic-float32"}) {
    std::vector<uint8_t> bytes = bundled(name);
    std::mt19937_64 random(1);
    for (size_t i = 0; i < 10000; i += stride()) {
      const size_t at = header_bytes(bytes) + random() % (bytes.size() - header_bytes(bytes));
      const auto mask = static_cast<uint8_t>(1u << (random() % 8));
      bytes[at] ^= mask;
      REQUIRE(verify(bytes) == TICKMLP_BLOB_DIGEST);
      bytes[at] ^= mask;
    }
  }
}

TEST_CASE("every single bit of every bundled blob" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  for (const char* name : kBundled) {
    std::vector<uint8_t> bytes = bundled(name);
    flip_all(bytes, 0, bytes.size());
  }
}

TEST_CASE("every pair of header bits" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  std::vector<uint8_t> bytes = bundled("strategic-int8");
  for (size_t a = 0; a < sizeof(BlobHeader) * 8; ++a)
    for (size_t b = a + 1; b < sizeof(BlobHeader) * 8; ++b) {
      bytes[a / 8] ^= static_cast<uint8_t>(1 << a % 8);
      bytes[b / 8] ^= static_cast<uint8_t>(1 << b % 8);
      if (verify(bytes) == TICKMLP_OK) FAIL("bits " << a << " and " << b << " flipped, and accepted");
      bytes[a / 8] ^= static_cast<uint8_t>(1 << a % 8);
      bytes[b / 8] ^= static_cast<uint8_t>(1 << b % 8);
    }
}

TEST_CASE("cut at every length, and 1 to 4,096 bytes too many") {
  for (const char* name : kBundled) {
    const std::vector<uint8_t> bytes = bundled(name);
    BlobPlan plan;
    for (size_t count = 0; count < bytes.size(); count += stride()) {
      const std::vector<uint8_t> copy(
          bytes.begin(), bytes.begin() + static_cast<long>(count % 997 == 0 ? count : 0));  // own end, for ASan
      const uint8_t* data = count % 997 == 0 ? copy.data() : bytes.data();
      const tickmlp_status status = verify_blob(data, count, &plan, nullptr);
      REQUIRE((count < 8 ? status == TICKMLP_BLOB_MAGIC : status == TICKMLP_BLOB_TRUNCATED));
    }
    std::vector<uint8_t> longer = bytes;
    for (int extra = 1; extra <= 4096; ++extra) {
      longer.push_back(static_cast<uint8_t>(extra));
      REQUIRE(verify(longer) == TICKMLP_BLOB_TRAILING);
    }
  }
}

TEST_CASE("every header byte set to every other value, with a true digest: refused, or only a free field differs") {
  for (const char* name : {"strategic-int8", "strategic-float32"}) {
    std::vector<uint8_t> bytes = bundled(name);
    std::map<std::string, int> refusals;
    for (size_t at = 0; at < header_bytes(bytes); ++at) {
      if (at >= offsetof(BlobHeader, digest) && at < offsetof(BlobHeader, digest) + 32) continue;  // stamped over
      const uint8_t original = bytes[at];
      for (size_t value = at % stride(); value < 256; value += stride()) {
        if (value == original) continue;
        bytes[at] = static_cast<uint8_t>(value);
        stamp(bytes);
        const tickmlp_status status = verify(bytes);
        ++refusals[tickmlp_status_name(status)];
        if (status == TICKMLP_OK && !is_free(at)) FAIL("byte " << at << " set to " << value << ", and accepted");
      }
      bytes[at] = original;
    }
    for (const auto& [reason, count] : refusals) MESSAGE(std::string(name) << ": " << reason << " " << count);
    if (stride() > 1) continue;
    CHECK(refusals.count("blob-structure") == 1);
    CHECK(refusals.count("blob-dimension") == 1);
    CHECK(refusals.count("blob-reserved") == 1);
  }
}

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
  CHECK(forged(good, [&](auto& b) { header_of(b).layout = 2; }) == TICKMLP_BLOB_LAYOUT);
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
