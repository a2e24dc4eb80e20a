// SPDX-License-Identifier: Apache-2.0
// Bare loads in inline assembly: no arithmetic, nothing that a compiler could drop; the caller's second reading waits
// until each has its data. Tried on a Zen 4 server core (32 KiB L1d, 1 MiB L2), 94,208 and 376,832 bytes, central ns
// with the timer:
//   8 loads in flight, 64 bytes each (taken)          824   3,234
//   4 loads in flight                                 824   3,236
//   8 vpord accumulators                              827   3,238
//   two streams, one from each half                   826   3,235
//   software prefetch 512, 1,024, 2,048 bytes ahead   832-842   3,216-3,219
//   one 4-byte load a cache line                      824   3,231
//   32-byte loads                                     828   3,230
//   16-byte loads                                     873   3,327
// So the line fill from L2 is the limit, not the load. Reading every second pass backwards takes 700 and 3,096, since
// it finds the end of the last pass in L1; no kernel may rely on that order, so it is not the floor.
#include "measure/memory_floor.h"

namespace tickmlp::bench {
namespace {

#if defined(__x86_64__)
constexpr std::size_t kBlock = 512;

void read_sse2(const void* memory, std::size_t bytes) {
  const char* p = static_cast<const char*>(memory);
  for (const char* end = p + bytes; p != end; p += 64)
    __asm__ volatile(
        "movaps (%0), %%xmm0\n\tmovaps 16(%0), %%xmm1\n\tmovaps 32(%0), %%xmm2\n\tmovaps 48(%0), %%xmm3" ::"r"(p)
        : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
}

__attribute__((target("avx2"))) void read_avx2(const void* memory, std::size_t bytes) {
  const char* p = static_cast<const char*>(memory);
  const char* end = p + bytes;
  for (; end - p >= 256; p += 256)
    __asm__ volatile(
        "vmovdqa (%0), %%ymm0\n\tvmovdqa 32(%0), %%ymm1\n\tvmovdqa 64(%0), %%ymm2\n\t"
        "vmovdqa 96(%0), %%ymm3\n\tvmovdqa 128(%0), %%ymm4\n\tvmovdqa 160(%0), %%ymm5\n\t"
        "vmovdqa 192(%0), %%ymm6\n\tvmovdqa 224(%0), %%ymm7" ::"r"(p)
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory");
  for (; p != end; p += 64)
    __asm__ volatile("vmovdqa (%0), %%ymm0\n\tvmovdqa 32(%0), %%ymm1" ::"r"(p) : "xmm0", "xmm1", "memory");
  __asm__ volatile("vzeroupper" ::: "memory");
}

__attribute__((target("avx512f"))) void read_avx512(const void* memory, std::size_t bytes) {
  const char* p = static_cast<const char*>(memory);
  const char* end = p + bytes;
  for (; static_cast<std::size_t>(end - p) >= kBlock; p += kBlock)
    __asm__ volatile(
        "vmovdqa64 (%0), %%zmm0\n\tvmovdqa64 64(%0), %%zmm1\n\tvmovdqa64 128(%0), %%zmm2\n\t"
        "vmovdqa64 192(%0), %%zmm3\n\tvmovdqa64 256(%0), %%zmm4\n\tvmovdqa64 320(%0), %%zmm5\n\t"
        "vmovdqa64 384(%0), %%zmm6\n\tvmovdqa64 448(%0), %%zmm7" ::"r"(p)
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory");
  for (; p != end; p += 64) __asm__ volatile("vmovdqa64 (%0), %%zmm0" ::"r"(p) : "xmm0", "memory");
  __asm__ volatile("vzeroupper" ::: "memory");
}
#else
void read_neon(const void* memory, std::size_t bytes) {
  const char* p = static_cast<const char*>(memory);
  const char* end = p + bytes;
  for (; end - p >= 128; p += 128)
    __asm__ volatile("ldp q0, q1, [%0]\n\tldp q2, q3, [%0, 32]\n\tldp q4, q5, [%0, 64]\n\tldp q6, q7, [%0, 96]" ::"r"(p)
                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "memory");
  for (; p != end; p += 64)
    __asm__ volatile("ldp q0, q1, [%0]\n\tldp q2, q3, [%0, 32]" ::"r"(p) : "v0", "v1", "v2", "v3", "memory");
}
#endif

}  // namespace

void read_in_chunks(MemoryFloor read, const void* memory, std::size_t bytes, bool backwards) {
  const char* begin = static_cast<const char*>(memory);
  const std::size_t chunks = (bytes + kTurnChunk - 1) / kTurnChunk;
  for (std::size_t i = 0; i < chunks; ++i) {
    const std::size_t at = (backwards ? chunks - 1 - i : i) * kTurnChunk;
    read(begin + at, bytes - at < kTurnChunk ? bytes - at : kTurnChunk);
  }
}

MemoryFloorChoice choose_memory_floor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return {read_avx512, "AVX-512"};
  if (__builtin_cpu_supports("avx2")) return {read_avx2, "AVX2"};
  return {read_sse2, "SSE2"};
#else
  return {read_neon, "NEON"};
#endif
}

}  // namespace tickmlp::bench
