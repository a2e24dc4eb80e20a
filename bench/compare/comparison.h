// SPDX-License-Identifier: Apache-2.0
// What a comparison of runs found, for people and for programs.
#ifndef TICKMLP_BENCH_COMPARISON_H_
#define TICKMLP_BENCH_COMPARISON_H_
#include <array>
#include <string>
#include <vector>

#include "compare/decide.h"
#include "compare/sampler.h"

namespace tickmlp::bench {

struct Comparison {
  std::string command, kind, path;  // kind: "binaries", "blobs", "kernels"
  int core = 0;
  double seconds = 0;  // of measuring in each process
  std::array<Side, 2> sides;
  std::array<Sample, 2> first;  // of each side's first process: kernel, digests, clock
  std::vector<PairOfRuns> pairs;
  Decision decision;
};

std::string comparison_json(const Comparison& comparison);  // schema tickmlp-comparison/1
std::string comparison_table(const Comparison& comparison);

}  // namespace tickmlp::bench
#endif
