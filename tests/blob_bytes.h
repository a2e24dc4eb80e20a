// SPDX-License-Identifier: Apache-2.0
// The bundled blobs as bytes, to be damaged.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../runtime/blob.h"
#include "../runtime/tickmlp.h"

namespace tickmlp::testing {

inline std::string weights_path(const std::string& name) {
  return std::string(TICKMLP_SOURCE_ROOT "/weights/") + name + ".blob";
}

inline std::vector<uint8_t> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<uint8_t> bundled(const std::string& name) { return read_bytes(weights_path(name)); }

inline BlobHeader& header_of(std::vector<uint8_t>& bytes) { return *reinterpret_cast<BlobHeader*>(bytes.data()); }
inline BlobHead& head_of(std::vector<uint8_t>& bytes, uint32_t head) {
  return reinterpret_cast<BlobHead*>(bytes.data() + sizeof(BlobHeader))[head];
}

// Makes the digest true again, so that the checks behind it are reached.
inline void stamp(std::vector<uint8_t>& bytes) {
  const size_t after = offsetof(BlobHeader, digest) + 32;
  sha256(bytes.data(), offsetof(BlobHeader, digest), bytes.data() + after, bytes.size() - after,
         header_of(bytes).digest);
}

inline BlobPlan plan_of(std::vector<uint8_t>& bytes) {
  BlobPlan plan;
  REQUIRE(verify_blob(bytes.data(), bytes.size(), &plan, nullptr) == TICKMLP_OK);
  return plan;
}

inline tickmlp_status verify(const std::vector<uint8_t>& bytes, tickmlp_error* error = nullptr) {
  BlobPlan plan;
  return verify_blob(bytes.data(), bytes.size(), &plan, error);
}

constexpr const char* kBundled[] = {"tactical-int8", "tactical-float32", "strategic-int8", "strategic-float32"};

}  // namespace tickmlp::testing
