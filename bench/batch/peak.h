// SPDX-License-Identifier: Apache-2.0
// The arithmetic peak: a kernel's own multiply-add instruction, on registers alone, in twelve independent chains.
#ifndef TICKMLP_BENCH_PEAK_H_
#define TICKMLP_BENCH_PEAK_H_
#include <cstdint>
#include <string_view>

namespace tickmlp::bench {

struct Peak {
  void (*run)(std::uint64_t rounds);    // one round: all twelve chains once. The CPU must have the kernel's tier
  std::uint64_t multiply_adds_a_round;  // 12 x those of one instruction
  const char* instruction;              // "vpdpbusd zmm", for the report
};

// run is nullptr for the scalar kernels: they are a specification and have no peak worth a name.
Peak choose_peak(std::string_view kernel);

}  // namespace tickmlp::bench
#endif
