// SPDX-License-Identifier: Apache-2.0
// A split of keys: the same answer everywhere, exact shares, whatever the keys look like.
#include <cmath>
#include <random>

#include "loaded.h"

using namespace tickmlp::testing;

namespace {

tickmlp_split make(const std::vector<uint32_t>& shares, uint64_t salt = 0) {
  tickmlp_split split;
  REQUIRE(tickmlp_split_make(shares.data(), shares.size(), salt, &split, nullptr) == TICKMLP_OK);
  return split;
}

constexpr uint64_t kKeys = 1'000'000;

// Keys as they come in practice.
struct Keys {
  const char* what;
  uint64_t (*key)(uint64_t i);
};
constexpr Keys kKinds[] = {
    {"one after the other", [](uint64_t i) { return i; }},
    {"steps of a page", [](uint64_t i) { return i * 4096; }},
    {"the top bits alone", [](uint64_t i) { return i << 44; }},
    {"times in ns", [](uint64_t i) { return 1'700'000'000'000'000'000 + i * 1'000'000; }},
    {"small negative numbers", [](uint64_t i) { return ~i; }},
    {"two fields", [](uint64_t i) { return (i % 500) << 32 | i / 500; }},
    {"text of eight letters",
     [](uint64_t i) {
       uint64_t text = 0;
       for (int k = 0; k < 8; ++k, i /= 26) text = text << 8 | ('A' + i % 26);
       return text;
     }},
};

}  // namespace

TEST_CASE("known answers: the same on every machine, in every build") {
  const tickmlp_split half = make({32768, 32768}, 7), tenth = make({58982, 6554});
  std::string choices;
  for (uint64_t key = 0; key < 32; ++key) choices += static_cast<char>('0' + tickmlp_split_choose(&half, key));
  CHECK(choices == "00111101100110001001010010000000");  // of the Python in docs/AB_SHADOW.md
  CHECK(tickmlp_split_choose(&tenth, UINT64_MAX) < 2);
}

TEST_CASE("shares over keys of every kind lie within five standard deviations") {
  for (const Keys& kind : kKinds)
    for (const std::vector<uint32_t>& shares :
         {std::vector<uint32_t>{32768, 32768}, {64881, 655}, {1, 65535}, {16384, 0, 16384, 32768}}) {
      CAPTURE(std::string(kind.what));
      const tickmlp_split split = make(shares, 42);
      std::vector<uint64_t> seen(shares.size());
      for (uint64_t i = 0; i < kKeys; ++i) seen[tickmlp_split_choose(&split, kind.key(i))] += 1;
      for (size_t arm = 0; arm < shares.size(); ++arm) {
        const double p = shares[arm] / 65536.0, expected = p * static_cast<double>(kKeys);
        // Of independent draws; 5 deviations: one in 1.7 million, and the keys are the same in every run.
        const double deviation = std::sqrt(static_cast<double>(kKeys) * p * (1 - p));
        CHECK(std::fabs(static_cast<double>(seen[arm]) - expected) <= 5 * deviation);
      }
    }
}

TEST_CASE("a larger share only adds keys: nobody changes back and forth while an experiment grows") {
  const tickmlp_split before = make({62259, 3277}, 5), after = make({58982, 6554}, 5);
  uint64_t moved = 0;
  for (uint64_t key = 0; key < kKeys; ++key) {
    const uint32_t was = tickmlp_split_choose(&before, key), is = tickmlp_split_choose(&after, key);
    if (was == 1) REQUIRE(is == 1);
    moved += was != is;
  }
  CHECK(moved > kKeys / 25);
}

TEST_CASE("two salts split independently; neighbouring salts and keys too") {
  for (uint64_t salt : {0u, 1u, 2u, 1000u}) {
    const tickmlp_split one = make({32768, 32768}, salt), other = make({32768, 32768}, salt + 1);
    uint64_t same = 0;
    for (uint64_t key = 0; key < kKeys; ++key)
      same += tickmlp_split_choose(&one, key) == tickmlp_split_choose(&other, key);
    CHECK(std::fabs(static_cast<double>(same) - kKeys / 2.0) <= 5 * std::sqrt(kKeys / 4.0));
  }
}

TEST_CASE("wrong shares are refused by name") {
  tickmlp_split split = make({65536});
  tickmlp_error error;
  const uint32_t shares[17] = {65536}, less[2] = {30000, 30000}, wraps[3] = {65536, UINT32_MAX, 1};
  CHECK(tickmlp_split_make(less, 2, 0, &split, &error) == TICKMLP_SPLIT_SHARES);
  CHECK(std::string(error.message) == "shares of 60000 in all; expected 65536, so many parts is the whole");
  CHECK(tickmlp_split_make(wraps, 3, 0, &split, &error) == TICKMLP_SPLIT_SHARES);
  CHECK(tickmlp_split_make(shares, 0, 0, &split, &error) == TICKMLP_SPLIT_SHARES);
  CHECK(tickmlp_split_make(shares, 17, 0, &split, &error) == TICKMLP_SPLIT_SHARES);
  CHECK(std::string(error.message) == "17 arms; expected 1 to 16");
  CHECK(tickmlp_split_make(nullptr, 1, 0, &split, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_split_make(shares, 1, 0, nullptr, &error) == TICKMLP_BAD_ARGUMENT);
  CHECK(split.arms == 1);
  CHECK(tickmlp_split_choose(&split, 77) == 0);
  CHECK(tickmlp_split_choose(nullptr, 77) == 0);
  CHECK(tickmlp_split_make(shares, 16, 0, &split, &error) == TICKMLP_OK);
}
