// SPDX-License-Identifier: Apache-2.0
// Nothing is timed before it is known to be right.
#ifndef TICKMLP_BENCH_CORRECTNESS_H_
#define TICKMLP_BENCH_CORRECTNESS_H_
#include <string>

#include "model.h"

namespace tickmlp::bench {

struct Correctness {
  std::uint64_t golden_vectors = 0;  // checked, each output by its bits
  std::string scalar_kernel;         // the specification that the states were compared with
  std::uint64_t states = 0;          // compared with it
  bool ticks = false;                // the states went through the tick path too
  std::string mismatch;              // "" when all are equal, else the first difference in words
  bool equal() const { return mismatch.empty(); }
};

// The golden vectors through this session, then up to 256 of `states` against the scalar kernel, loaded from `path`.
// With a window (not nullptr) each of them through the tick path too. Refuses (exit 4) a state that the model refuses.
Correctness check_correctness(const std::string& path, const Model& model, tickmlp_session* session,
                              tickmlp_window* window, const float* states, std::uint64_t count);

// Runs each state once and refuses the first that the model refuses, so that no timed call can fail.
void check_states(const tickmlp_model_info& model, tickmlp_session* session, const float* states, std::uint64_t count);

}  // namespace tickmlp::bench
#endif
