// SPDX-License-Identifier: Apache-2.0
// Whole loops in inline assembly, so that no compiler moves anything. Twelve chains: the latencies of 4 or 5 cycles at
// two instructions a cycle need ten. The registers are zeroed first, since a subnormal could slow a multiply-add.
#include "batch/peak.h"

namespace tickmlp::bench {
namespace {

#define TICKMLP_TWELVE(step) \
  step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10) step(11)
#define TICKMLP_VECTORS                                                                                               \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15", "cc"

#if defined(__x86_64__)
// Where there is no dot product: a multiply of pairs (vpmaddwd) and an addition. Four results wait in turns.
#define TICKMLP_CLEAR(n) "vpxor %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"
#define TICKMLP_DOT_512(n) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define TICKMLP_FMA_512(n) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define TICKMLP_FMA_256(n) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define TICKMLP_PAIRS_512(n) "vpmaddwd %%zmm14, %%zmm15, %%zmm13\n\tvpaddd %%zmm13, %%zmm" #n ", %%zmm" #n "\n\t"
#define TICKMLP_PAIRS_256(n) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define TICKMLP_PAIRS_128(n) "movdqa %%xmm14, %%xmm13\n\tpmaddwd %%xmm15, %%xmm13\n\tpaddd %%xmm13, %%xmm" #n "\n\t"
#define TICKMLP_PEAK(name, step)                                                                          \
  void name(std::uint64_t rounds) {                                                                       \
    __asm__ volatile(TICKMLP_TWELVE(TICKMLP_CLEAR) TICKMLP_CLEAR(14)                                      \
                         TICKMLP_CLEAR(15) "1:\n\t" TICKMLP_TWELVE(step) "dec %0\n\tjnz 1b\n\tvzeroupper" \
                     : "+r"(rounds)::TICKMLP_VECTORS);                                                    \
  }
TICKMLP_PEAK(dot_512, TICKMLP_DOT_512)
TICKMLP_PEAK(fma_512, TICKMLP_FMA_512)
TICKMLP_PEAK(fma_256, TICKMLP_FMA_256)
TICKMLP_PEAK(pairs_512, TICKMLP_PAIRS_512)
TICKMLP_PEAK(pairs_256, TICKMLP_PAIRS_256)

void pairs_128(std::uint64_t rounds) {  // for a CPU without AVX
  __asm__ volatile(
      "pxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15\n\t1:\n\t" TICKMLP_TWELVE(TICKMLP_PAIRS_128) "dec %0\n\tjnz 1b"
      : "+r"(rounds)::TICKMLP_VECTORS);
}

struct Entry {
  std::string_view kernel;
  Peak peak;
};
constexpr Entry kPeaks[] = {
    {"int8-avx512vnni", {dot_512, 12 * 64, "vpdpbusd zmm"}},
    {"int8-avx512", {pairs_512, 12 * 32, "vpmaddwd and vpaddd zmm"}},
    {"int8-avx2", {pairs_256, 12 * 16, "vpmaddwd and vpaddd ymm"}},
    {"int8-sse4", {pairs_128, 12 * 8, "pmaddwd and paddd xmm"}},
    {"float32-avx512", {fma_512, 12 * 16, "vfmadd231ps zmm"}},
    {"float32-avx2", {fma_256, 12 * 8, "vfmadd231ps ymm"}},
};
#else
#define TICKMLP_CLEAR(n) "movi v" #n ".16b, #0\n\t"
#define TICKMLP_FMA_128(n) "fmla v" #n ".4s, v14.4s, v15.4s\n\t"
#define TICKMLP_LONG_128(n) "smlal v" #n ".4s, v14.4h, v15.4h\n\t"
#define TICKMLP_PEAK(name, step)                                                                                      \
  void name(std::uint64_t rounds) {                                                                                   \
    __asm__ volatile(TICKMLP_TWELVE(TICKMLP_CLEAR) TICKMLP_CLEAR(14)                                                  \
                         TICKMLP_CLEAR(15) "1:\n\t" TICKMLP_TWELVE(step) "subs %0, %0, #1\n\tb.ne 1b"                 \
                     : "+r"(rounds)::"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v14", \
                       "v15", "cc");                                                                                  \
  }
TICKMLP_PEAK(fma_128, TICKMLP_FMA_128)
TICKMLP_PEAK(long_128, TICKMLP_LONG_128)

struct Entry {
  std::string_view kernel;
  Peak peak;
};
constexpr Entry kPeaks[] = {{"int8-neon", {long_128, 12 * 4, "smlal"}}, {"float32-neon", {fma_128, 12 * 4, "fmla"}}};
#endif

}  // namespace

Peak choose_peak(std::string_view kernel) {
  for (const Entry& entry : kPeaks)
    if (entry.kernel == kernel) return entry.peak;
  return {nullptr, 0, "none"};
}

}  // namespace tickmlp::bench
