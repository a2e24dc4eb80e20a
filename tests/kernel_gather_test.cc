// SPDX-License-Identifier: Apache-2.0
// Gathering a pruned model's inputs: every kernel's function against a plain loop.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cfloat>
#include <cmath>

#include "kernel_runs.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

// Two pages and one that must not be touched.
class Guarded {
 public:
  Guarded() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ =
        static_cast<uint8_t*>(mmap(nullptr, 6 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(memory_ + 5 * page_, page_, PROT_NONE) == 0);
  }
  ~Guarded() { munmap(memory_, 6 * page_); }
  Guarded(const Guarded&) = delete;
  template <typename T>
  T* before_end(size_t count) const {
    return reinterpret_cast<T*>(memory_ + 5 * page_) - count;
  }

 private:
  size_t page_;
  uint8_t* memory_;
};

// Input, mask and target each end where nothing may be touched; the target has the room that it is promised.
void check(GatherFunction gather, const std::vector<float>& input, const std::vector<uint8_t>& mask) {
  static const Guarded inputs, masks, targets;
  const auto count = static_cast<uint32_t>(input.size());
  std::vector<float> expected;
  expected.reserve(1);  // not nullptr where nothing is kept
  bool finite = true;
  for (uint32_t i = 0; i < count; ++i) {
    if (mask[i / 8] >> i % 8 & 1) expected.push_back(input[i]);
    finite = finite && std::isfinite(input[i]);
  }
  float* from = inputs.before_end<float>(count);
  std::copy(input.begin(), input.end(), from);
  uint8_t* bits = masks.before_end<uint8_t>(count / 8 + 2);
  std::memcpy(bits, mask.data(), count / 8 + 2);
  float* to = targets.before_end<float>(expected.size() + kGroup);
  to[-1] = -7.0f;
  REQUIRE(gather(from, count, bits, to) == finite);
  REQUIRE(to[-1] == -7.0f);
  REQUIRE(std::memcmp(to, expected.data(), expected.size() * 4) == 0);
}

void check_every_kernel(const std::vector<float>& input, const std::vector<uint8_t>& mask) {
  for (ElementType type : kTypes) {
    check(oracle(type).functions->gather, input, mask);
    for (const Kernel* kernel : kernels_here(type)) {
      CAPTURE(kernel->name);
      check(kernel->functions->gather, input, mask);
    }
  }
}

std::vector<uint8_t> random_bits(uint32_t count, std::mt19937& random) {
  std::vector<uint8_t> mask(count / 8 + 2);
  const uint32_t kept = static_cast<uint32_t>(random()) % 257;  // of 256
  for (uint32_t i = 0; i < 8 * mask.size(); ++i)                // bits beyond the last input mean nothing
    if (random() % 256 < kept) mask[i / 8] |= static_cast<uint8_t>(1 << i % 8);
  return mask;
}

}  // namespace

TEST_CASE("every mask of 1 to 10 inputs") {
  std::mt19937 random(71);
  for (uint32_t count = 1; count <= 10; ++count)
    for (uint32_t bits = 0; bits < 1u << count; ++bits)
      check_every_kernel(random_input(count, random, 1.0f),
                         {static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8), 0xFF});
}

TEST_CASE("every count of inputs to 200 and the largest, random masks, from none to all") {
  std::mt19937 random(72);
  for (uint32_t count = 0; count <= 200; ++count)
    for (int round = 0; round < 10; ++round)
      check_every_kernel(random_input(count, random, 1.0f), random_bits(count, random));
  for (uint32_t count : {420u, 1260u, 4095u, 4096u})
    check_every_kernel(random_input(count, random, 1.0f), random_bits(count, random));
}

TEST_CASE("a single kept input, at every place") {
  std::mt19937 random(73);
  for (uint32_t at = 0; at < 70; ++at) {
    std::vector<uint8_t> mask(70 / 8 + 2);
    mask[at / 8] = static_cast<uint8_t>(1 << at % 8);
    check_every_kernel(random_input(70, random, 1.0f), mask);
  }
}

TEST_CASE("NaN and infinities are seen at every place, kept or not; what is large, small or zero goes through") {
  std::mt19937 random(74);
  const float special[] = {INFINITY, -INFINITY, NAN, -NAN, FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, -0.0f};
  for (uint32_t count : {1u, 7u, 8u, 15u, 16u, 17u, 37u, 64u})
    for (float value : special)
      for (uint32_t at = 0; at < count; ++at) {
        std::vector<float> input = random_input(count, random, 1.0f);
        input[at] = value;
        check_every_kernel(input, random_bits(count, random));
      }
}
