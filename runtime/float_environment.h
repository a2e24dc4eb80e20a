// SPDX-License-Identifier: Apache-2.0
// The bits are defined for round-to-nearest, no FTZ or DAZ, exceptions masked. A scope that reads the control register
// (about 6 ns), sets it only where the caller's differs, and gives the caller's back.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace tickmlp {

class FloatEnvironment {
 public:
  explicit FloatEnvironment(bool promised = false) : changed_(false) {
    if (promised) return;
    saved_ = read();
    if ((saved_ & kControl) == kDefault) return;
    changed_ = true;
    write((saved_ & ~kControl) | kDefault);
  }
  ~FloatEnvironment() {
    if (changed_) write(saved_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  using Register = uint32_t;
  static constexpr Register kControl = 0xFFC0, kDefault = 0x1F80;  // MXCSR without its six sticky flags
  static Register read() { return _mm_getcsr(); }
  static void write(Register value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Register = uint64_t;
  static constexpr Register kControl = 0x07FF9F07,
                            kDefault = 0;  // FPCR: AHP DN FZ RMode Stride FZ16 Len, traps, FIZ AH NEP
  static Register read() {
    Register value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) { __asm__ volatile("msr fpcr, %0" ::"r"(value) : "memory"); }
#endif
  Register saved_ = 0;
  bool changed_;
};

}  // namespace tickmlp
