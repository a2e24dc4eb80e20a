// SPDX-License-Identifier: Apache-2.0
// Evidence logs: what is written reads back the same, and whatever else is in a log is refused by name.
#include <doctest/doctest.h>

#include "cli.h"
#include "evidence/hlog.h"
#include "evidence_sample.h"

using namespace tickmlp::bench;

namespace {
constexpr const char* kStarted = "2026-01-31T23:59:59Z";
}

TEST_CASE("random evidence reads back the same") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    const Evidence evidence = random_evidence(random, 1 + round % 4, 1 + round % 3, 1 + round % 5);
    CHECK(read_hlog(write_hlog(evidence, kStarted), "box.hlog") == evidence);
  }
}
