// SPDX-License-Identifier: Apache-2.0
// The documented exponential against double precision. The kernels' own are held equal to it, bit for bit, elsewhere.
#include "../kernels/scalar.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace tickmlp;

namespace {

struct Worst {
  uint32_t floats;
  double ulp;
};

// Every `step`th float from -0 down to -87.
Worst worst_error(uint32_t step) {
  Worst worst = {0, 0.0};
  for (uint32_t bits = 0x80000000u;; bits += step, ++worst.floats) {
    float x;
    std::memcpy(&x, &bits, 4);
    if (x < -87.0f) return worst;
    const double exact = std::exp(static_cast<double>(x));
    int exponent;
    std::frexp(exact, &exponent);
    worst.ulp = std::max(worst.ulp, std::abs(scalar::exp32(x) - exact) / std::ldexp(1.0, exponent - 24));
  }
}

}  // namespace

TEST_CASE("exp32: at most 2 ulp, exactly 0 below -87") {
  const Worst worst = worst_error(211);
  MESSAGE("exp32 over " << worst.floats << " floats: " << worst.ulp << " ulp");
  CHECK(worst.floats > 5'000'000);
  CHECK(worst.ulp < 0.883);
  CHECK(scalar::exp32(0.0f) == 1.0f);
  CHECK(scalar::exp32(-87.0f) > 0.0f);
  CHECK(scalar::exp32(std::nextafter(-87.0f, -88.0f)) == 0.0f);
  CHECK(scalar::exp32(-FLT_MAX) == 0.0f);
}

TEST_CASE("exp32 over every float from -87 to -0" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  const Worst all = worst_error(1);
  MESSAGE("exp32 over all " << all.floats << " floats: " << all.ulp << " ulp");
  CHECK(all.floats > 1'100'000'000);
  CHECK(all.ulp < 0.883);
}
