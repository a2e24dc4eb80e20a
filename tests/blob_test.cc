// SPDX-License-Identifier: Apache-2.0
// Damage: every flip of a bit, every truncation and every header byte.
#include <cstdlib>
#include <map>
#include <random>

#include "pruned_blob.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kSamples[] = {"tactical-int8",     "tactical-float32", "strategic-int8",
                                    "strategic-float32", "pruned-int8",      "pruned-float32"};

std::vector<uint8_t> sample(const std::string& name) {
  if (name == "pruned-int8") return pruned_sample(ElementType::kInt8);
  if (name == "pruned-float32") return pruned_sample(ElementType::kFloat32);
  return bundled(name);
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

// Every Nth case only, where an emulator makes each 20 times as slow: TICKMLP_STRIDE=N; 1 is all of them.
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

TEST_CASE("the bundled blobs and two pruned ones are valid") {
  for (const char* name : kSamples) {
    std::vector<uint8_t> bytes = sample(name);
    tickmlp_error error = {};
    const tickmlp_status status = verify(bytes, &error);
    CHECK_MESSAGE(status == TICKMLP_OK, std::string(name) << ": " << std::string(error.message));
  }
}

TEST_CASE("every single bit of the header and the head records") {
  for (const char* name : kSamples) {
    std::vector<uint8_t> bytes = sample(name);
    flip_all(bytes, 0, header_bytes(bytes));
  }
}

TEST_CASE("40,000 random bits of the payload") {
  for (const char* name : {"tactical-int8", "strategic-float32", "pruned-int8", "pruned-float32"}) {
    std::vector<uint8_t> bytes = sample(name);
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

TEST_CASE("every single bit of every blob" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  for (const char* name : kSamples) {
    std::vector<uint8_t> bytes = sample(name);
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
  for (const char* name : kSamples) {
    const std::vector<uint8_t> bytes = sample(name);
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
  for (const char* name : {"strategic-int8", "strategic-float32", "pruned-int8", "pruned-float32"}) {
    std::vector<uint8_t> bytes = sample(name);
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
