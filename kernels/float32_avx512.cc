// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "float32.h"
#include "float32_isa.h"

namespace tickmlp {
namespace {

#include "avx512-inl.h"

struct Layer1 : Avx512 {
  using Vector = xsimd::batch<float, xsimd::avx512f>;
  static constexpr uint32_t kRegisterGroups = 16;  // 16 of 32 registers

  // maxps and minps are compare and select: where the comparison fails they give their second operand.
  static Vector clamp(Vector a, float high) {
    return _mm512_min_ps(_mm512_max_ps(a, _mm512_setzero_ps()), _mm512_set1_ps(high));
  }

  template <uint32_t kGroups>
  static inline __attribute__((always_inline)) Outcome end(const Network& network, const Strip& tile,
                                                           const __m512 (&activation)[kGroups], float* output) {
    if (tile.outputs <= 3) return end_tile<3>(network, tile, activation, output);
    return end_tile<4>(network, tile, activation, output);
  }
};

}  // namespace

namespace avx512 {
extern const Functions float32 = Float32<Layer1>::kFunctions;
void layer2_of_hidden(const Network& network, const Workspace& workspace) {
  Heads<Avx512>::layer2_of_hidden(network, workspace);
}
Outcome conclude(const Network& network, const Workspace& workspace, float* output) {
  return Heads<Avx512>::conclude(network, workspace, output);
}
}  // namespace avx512
}  // namespace tickmlp
