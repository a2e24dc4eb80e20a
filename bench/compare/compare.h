// SPDX-License-Identifier: Apache-2.0
// The commands that say whether something became slower: sample, compare.
#ifndef TICKMLP_BENCH_COMPARE_H_
#define TICKMLP_BENCH_COMPARE_H_
#include <string>
#include <vector>

namespace tickmlp::bench {

inline constexpr const char* kSampleSchema = "tickmlp-sample/1";
inline constexpr double kSampleSeconds = 0.065;  // 4 s of measuring for 30 pairs
inline constexpr int kPairs = 30;

struct SampleOptions {
  std::string blob, kernel, path = "full", input;
  int core = -1;  // -1: the last allowed one
  double seconds = kSampleSeconds;
};
// One process of measuring back to back; prints one line of JSON.
int sample(const SampleOptions& options);

struct CompareOptions {
  std::vector<std::string> binaries, blobs, kernels;  // one of them has two entries, A and B; or
  std::vector<std::string> certificates;              // OLD.json and NEW.json
  std::string blob, kernel, path = "full", input, json, command;
  int core = -1, pairs = kPairs;
  double seconds = kSampleSeconds, timeout = 30;  // of one process
};
// Pairs of `sample` processes in turns. Exit 0 not slower, 1 slower, 3 cannot be told, 4 a process failed.
int compare_runs(const CompareOptions& options);
// Two stored certificates; the same exit codes.
int compare_certificates(const CompareOptions& options);

}  // namespace tickmlp::bench
#endif
