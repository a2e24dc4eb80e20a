// SPDX-License-Identifier: Apache-2.0
// `tickmlp throughput`: batches beside the arithmetic peak and beside one state at a time.
#ifndef TICKMLP_BENCH_THROUGHPUT_H_
#define TICKMLP_BENCH_THROUGHPUT_H_
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model.h"
#include "batch/peak.h"

namespace tickmlp::bench {

// Figures of one batch size; medians over epochs. Every epoch times all three in turns, and the ratio is its own.
struct Throughput {
  std::uint64_t states, epochs;
  double batch_ns, low_ns, high_ns;  // ns a state: median, 10th and 90th percentile of the epochs
  double one_ns;                     // ns a state, by tickmlp_infer one after another
  double rate, peak_rate;            // multiply-adds a ns
  double of_peak;                    // batch / peak; 0 where the kernel has no peak
};

struct ThroughputSubject {
  tickmlp_session* session;
  const tickmlp_model_info* model;
  const float* states;   // [as many as the largest batch][inputs]
  float* outputs;        // likewise
  double multiply_adds;  // of one state: inputs x lanes, and layer 2
  Peak peak;
  tickmlp_clock clock;
};

// About a second, or 11 epochs where that takes longer. `progress` gets the share done, between epochs. Interrupted:
// what was measured until then. Refuses (exit 4) where an inference fails.
Throughput measure_throughput(const ThroughputSubject& subject, std::uint64_t states,
                              const std::function<void(double)>& progress);

struct ThroughputReport {
  std::string command;
  int core;
  const tickmlp_model_info* model;
  Peak peak;
  double layer1, layer2;  // multiply-adds of one state
  std::vector<Throughput> rows;
};
std::string throughput_table(const ThroughputReport& report);
std::string throughput_json(const ThroughputReport& report);

}  // namespace tickmlp::bench
#endif
