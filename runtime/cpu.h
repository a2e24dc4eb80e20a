// SPDX-License-Identifier: Apache-2.0
// The one CPU probe.
#pragma once

#include <cstdint>

namespace tickmlp {

// The CpuTier bits (kernels/table.h) of the CPU that this runs on, where the operating system saves their registers.
// Load time: a dozen CPUID instructions (each traps on a virtual machine, 20-70 us in all), made once and kept.
// Thread-safe.
uint32_t cpu_tiers();

}  // namespace tickmlp
