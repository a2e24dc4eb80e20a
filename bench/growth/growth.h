// SPDX-License-Identifier: Apache-2.0
// The commands about how cost grows with a model's size: profile, predict, sweep.
#ifndef TICKMLP_BENCH_GROWTH_H_
#define TICKMLP_BENCH_GROWTH_H_
#include <string>

namespace tickmlp::bench {

struct ProfileOptions {
  std::string json, command;
  int core = -1;  // -1: the last allowed one
};
int profile(const ProfileOptions& options);

struct PredictOptions {
  std::string blob, cpu_profile, kernel;
  bool json = false;
};
int predict_command(const PredictOptions& options);

struct SweepOptions {
  std::string json, command, dtype, cpu_profile;
  int core = -1;
  bool quick = false;
};
int sweep(const SweepOptions& options);

}  // namespace tickmlp::bench
#endif
