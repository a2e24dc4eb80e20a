// SPDX-License-Identifier: Apache-2.0
// One probe decides for both libraries, so it must agree with Highway's.
#include "../runtime/cpu.h"

#include <doctest/doctest.h>
#include <hwy/targets.h>

#include "../kernels/table.h"

using namespace tickmlp;

TEST_CASE("our CPU probe agrees with Highway's") {
  const int64_t theirs = hwy::SupportedTargets();
  const uint32_t ours = cpu_tiers();
  CHECK((ours & kTierScalar) != 0);
#if defined(__x86_64__)
  CHECK(((ours & kTierSse4) != 0) == ((theirs & HWY_SSE4) != 0));
  CHECK(((ours & kTierAvx2) != 0) == ((theirs & HWY_AVX2) != 0));
  CHECK(((ours & kTierAvx512) != 0) == ((theirs & HWY_AVX3) != 0));
  CHECK(((ours & kTierAvx512Vnni) != 0) == ((theirs & HWY_AVX3_DL) != 0));
#endif
}
