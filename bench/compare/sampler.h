// SPDX-License-Identifier: Apache-2.0
// One side of a comparison: how its `sample` processes are started, and what they answered.
#ifndef TICKMLP_BENCH_SAMPLER_H_
#define TICKMLP_BENCH_SAMPLER_H_
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

struct Sample {  // one line of `tickmlp sample`
  std::string kernel, dtype, path, blob_sha256, outputs_sha256;
  double central_ns = 0, p50_ns = 0, timer_ns = 0, step_ns = 0;
  std::uint64_t count = 0;
};

struct Side {
  std::string label;                 // "A"
  std::string name;                  // what people see: the binary, the blob or the kernel
  std::string binary, blob, kernel;  // kernel "" takes the best
  std::string version;               // what `BINARY --version` printed
};

// Fills side->version. Refuses, exit 4, by name: program-open (no executable file), program-start, not-tickmlp (what
// it prints for --version), and as take_sample().
void check_program(Side* side, double timeout);

struct SampleRequest {
  std::string path, input;
  int core = 0;
  double seconds = 0, timeout = 0;
};
// One process. Refuses, exit 4, by name: program-start, sample-timeout, sample-signal (it was killed, or crashed),
// sample-exit (with the first line that it said), sample-output (no such line of JSON), sample-path (it measured
// another path than asked). Throws 128 + signal when we were interrupted.
Sample take_sample(const Side& side, const SampleRequest& request);

}  // namespace tickmlp::bench
#endif
