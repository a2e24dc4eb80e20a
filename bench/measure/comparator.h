// SPDX-License-Identifier: Apache-2.0
// Other systems that compute the same model, timed in the same epochs as ours.
#ifndef TICKMLP_BENCH_MEASURE_COMPARATOR_H_
#define TICKMLP_BENCH_MEASURE_COMPARATOR_H_
#include <cstdint>
#include <functional>
#include <string>

namespace tickmlp::bench {

struct Comparator {
  std::string id;  // of its series: "other-onednn-int8"
  // What is timed, on the calling thread: state [inputs], output [outputs], float32. May throw: then the system is left
  // out. The call through std::function takes 1 to 2 ns.
  std::function<void(const float* state, float* output)> infer;
};

// What is known besides the histograms, which are in the evidence under `id`.
struct ComparatorResult {
  std::string id;
  std::uint64_t samples = 0;                                // planned for all runs
  double us_each = 0;                                       // after the first warm-up, roughly
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // in its blocks; none of them counts as one of ours
  std::string failure;                                      // what it threw; "" when all went well
};

}  // namespace tickmlp::bench
#endif
