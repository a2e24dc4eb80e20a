// SPDX-License-Identifier: Apache-2.0
// What the operating system counts for the calling thread.
#ifndef TICKMLP_BENCH_USAGE_H_
#define TICKMLP_BENCH_USAGE_H_
#include <sys/resource.h>

#include <cstdint>

namespace tickmlp::bench {

struct Usage {
  std::uint64_t page_faults = 0, involuntary_switches = 0;
  Usage operator-(const Usage& before) const {
    return {page_faults - before.page_faults, involuntary_switches - before.involuntary_switches};
  }
};

// Since the thread began. One system call.
inline Usage usage_of_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt), static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

}  // namespace tickmlp::bench
#endif
