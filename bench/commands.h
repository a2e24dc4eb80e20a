// SPDX-License-Identifier: Apache-2.0
// The subcommands: plain options in, exit code out. main.cc fills the options from the command line.
#ifndef TICKMLP_BENCH_COMMANDS_H_
#define TICKMLP_BENCH_COMMANDS_H_
#include <cstdint>
#include <string>
#include <vector>

namespace tickmlp::bench {

struct TeamOptions {
  std::string blob, kernel, json, command;
  std::vector<int> cores;  // the caller's, then the members'
  std::uint64_t deadline_ns = 10'000, samples = 100'000, epochs = 20;
};
int team(const TeamOptions& options);

struct RunOptions {
  std::string blob, input, output, kernel;
  std::string path = "full", non_finite = "strict", mode = "copy";
};
int run(const RunOptions& options);

struct ThroughputOptions {
  std::string blob, kernel, json, command;
  int core = -1;  // -1: the last allowed one
  std::vector<std::uint64_t> states = {1, 64, 1024};
};
int throughput(const ThroughputOptions& options);

struct DoctorOptions {
  std::string root;
  int core = -1;
  bool json = false;
};
int doctor(const DoctorOptions& options);

int list_kernels(bool json);
int inspect(const std::string& blob, bool json);

// The cores that this process may run on, ascending; the last of them.
std::vector<int> allowed_cores();
int last_allowed_core();

}  // namespace tickmlp::bench
#endif
