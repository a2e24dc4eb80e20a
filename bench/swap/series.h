// SPDX-License-Identifier: Apache-2.0
// One kind of call under two conditions, in turns: figures, ratios, rows for people and for programs.
#ifndef TICKMLP_BENCH_SWAP_SERIES_H_
#define TICKMLP_BENCH_SWAP_SERIES_H_
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

struct TwoWays {
  const char* name;                // "full", "tick"
  tickmlp_recorder without, with;  // all epochs together
  std::vector<double> p99, p99_9;  // of each epoch: with to without
  tickmlp_recorder block[2];       // of the epoch that is being measured: without, with

  explicit TwoWays(const char* its_name);
  void begin_epoch();
  void end_epoch();
};

// Name, calls, central, p50, p99, p99.9, p99.99, max; "-" where the samples are too few.
std::vector<std::string> cells(const std::string& name, const tickmlp_recorder& recorder);
std::vector<std::string> heading(const std::vector<std::string>& more);
// "1.021 (0.98-1.05)": the median of the epochs' ratios, and where it lies with 95 %.
std::string ratio(const std::vector<double>& ratios);

nlohmann::json ratio_json(const std::vector<double>& ratios);
// {"median", "low_95", "high_95"} of both percentiles, pooled ones too.
nlohmann::json ratios_json(const TwoWays& series);

// The cores that are not named (-1): the last allowed one is `hot`, the first other one `other`; the same one where
// this process has one core only.
void choose_cores(int* hot, int* other);

}  // namespace tickmlp::bench
#endif
