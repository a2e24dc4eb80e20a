// SPDX-License-Identifier: Apache-2.0
// The recorder's slots: where each begins and ends, and the formula without a branch against one in plain integers.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tickmlp.h"

namespace {

constexpr std::uint64_t kRange = std::uint64_t{1} << 30;

}  // namespace

TEST_CASE("each slot holds the values up to its upper edge, and no other") {
  std::uint64_t next = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    const std::uint64_t upper = tickmlp_recorder_slot_upper(slot);
    REQUIRE_EQ(tickmlp_recorder_slot(next), slot);
    REQUIRE_EQ(tickmlp_recorder_slot(upper), slot);
    REQUIRE(64 * (upper - next + 1) <= std::max<std::uint64_t>(64, next));  // 1.6 % wide at most
    next = upper + 1;
  }
  CHECK_EQ(next, kRange);
  CHECK_EQ(tickmlp_recorder_slot_upper(TICKMLP_RECORDER_SLOTS), UINT64_MAX);
}

TEST_CASE("the slot by integers alone: every octave's edges and random values") {
  const auto by_integers = [](std::uint64_t ns) {
    if (ns < 2048) return static_cast<std::uint32_t>(ns);
    std::uint32_t octave = 0;
    while (ns >> (octave + 1) != 0) ++octave;
    return 2048 + (octave - 11) * 64 + static_cast<std::uint32_t>((ns >> (octave - 6)) - 64);
  };
  std::mt19937_64 random(99);
  for (std::uint32_t octave = 0; octave < 30; ++octave) {
    const std::uint64_t low = std::uint64_t{1} << octave, high = 2 * low - 1;
    for (const std::uint64_t ns : {low - 1, low, low + 1, low + low / 2, high - 1, high}) {
      if (ns < kRange) REQUIRE_EQ(tickmlp_recorder_slot(ns), by_integers(ns));
    }
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t ns = low + random() % low;
      REQUIRE_EQ(tickmlp_recorder_slot(ns), by_integers(ns));
    }
  }
}
