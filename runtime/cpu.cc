// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <atomic>

#include "../kernels/table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace tickmlp {
namespace {

#if defined(__x86_64__)

struct Leaf {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(uint32_t leaf) {
  Leaf r;
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);  // leaves zeros where the CPU has no such leaf
  return r;
}

bool all(uint32_t bits, uint32_t wanted) { return (bits & wanted) == wanted; }

// Which register states the operating system saves: bits 1-2 SSE and AVX, 5-7 AVX-512.
uint64_t saved_state(const Leaf& one) {
  if (!all(one.ecx, bit_OSXSAVE)) return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

uint32_t probe() {
  const Leaf one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001);
  const uint64_t saved = saved_state(one);
  uint32_t tiers = kTierScalar;
  if (!all(one.ecx, bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_PCLMUL | bit_AES)) return tiers;
  tiers |= kTierSse4;
  if ((saved & 0x6) != 0x6 || !all(one.ecx, bit_AVX | bit_FMA | bit_F16C) || !all(extended.ecx, bit_LZCNT) ||
      !all(seven.ebx, bit_AVX2 | bit_BMI | bit_BMI2))
    return tiers;
  tiers |= kTierAvx2;
  if ((saved & 0xE6) != 0xE6 || !all(seven.ebx, bit_AVX512F | bit_AVX512VL | bit_AVX512DQ | bit_AVX512BW)) return tiers;
  tiers |= kTierAvx512;
  if (all(seven.ecx, bit_AVX512VNNI | bit_AVX512VBMI | bit_AVX512VBMI2 | bit_VAES | bit_VPCLMULQDQ | bit_AVX512BITALG |
                         bit_AVX512VPOPCNTDQ))
    tiers |= kTierAvx512Vnni;
  return tiers;
}

#elif defined(__aarch64__)

uint32_t probe() {
  constexpr unsigned long kAsimd = 1 << 1, kAes = 1 << 3;  // HWCAP bits of the Linux ABI
  const unsigned long caps = getauxval(AT_HWCAP);
  return (caps & kAsimd) && (caps & kAes) ? kTierScalar | kTierNeon : kTierScalar;
}

#endif

}  // namespace

uint32_t cpu_tiers() {
  // Two threads may probe at once; both find the same. 0 is "not probed": the scalar bit is always set.
  static std::atomic<uint32_t> known{0};
  uint32_t tiers = known.load(std::memory_order_relaxed);
  if (tiers == 0) {
    tiers = probe();
    known.store(tiers, std::memory_order_relaxed);
  }
  return tiers;
}

}  // namespace tickmlp
