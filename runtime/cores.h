// SPDX-License-Identifier: Apache-2.0
// Sets of cores of any machine, and why the system refuses one.
#pragma once

#include <sched.h>

namespace tickmlp {

inline constexpr int kMostCores = 8192;  // Linux's own largest CONFIG_NR_CPUS; a plain cpu_set_t ends at 1,024

struct CoreSet {
  cpu_set_t words[kMostCores / CPU_SETSIZE];
  bool has(int core) const { return CPU_ISSET_S(static_cast<size_t>(core), sizeof words, words); }
  void add(int core) { CPU_SET_S(static_cast<size_t>(core), sizeof words, words); }
};

// In words, for an errno of the system's; reads /sys. Load time.
const char* why_core_refused(int core, int system_error);

}  // namespace tickmlp
