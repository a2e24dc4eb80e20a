// SPDX-License-Identifier: Apache-2.0
// Whether a system computes the same model, before any of it is timed.
#ifndef TICKMLP_BENCH_PEERS_AGREEMENT_H_
#define TICKMLP_BENCH_PEERS_AGREEMENT_H_
#include "peer.h"

namespace tickmlp::bench {

// float32: systems sum in different orders. A tactical lane's 420 products have magnitudes that sum to 4.9 at most over
// the 4,096 states; with independent roundings its error is sqrt(420) x 2^-24 x 4.9 = 6e-6, a logit's (through the
// 2-norm of w2, 1.7 at most) 2e-6 and a probability's at most half of that. 1e-5 is ten times as much; 2.4e-7 was seen.
// int8: the exporter's own budget. Values count relative to the reference's largest magnitude, 1 at least for float32.
inline constexpr double kFloatLimit = 1e-5, kInt8Limit = 0.02;

struct States {
  std::uint64_t count = 0;
  std::vector<float> values;  // [count][inputs]
};

struct Agreement {
  double largest = 0;       // difference, in units of the limits above
  double argmax_share = 1;  // of states and softmax heads
  std::string wrong;        // what was seen and expected; empty when it agrees
};

// [count][outputs], state by state.
std::vector<float> outputs_of(Runner* runner, const Network& network, const States& states);

// Runs every state; a runner that throws is wrong too.
Agreement check_agreement(const Entrant& entrant, const Network& network, const States& states,
                          const std::vector<float>& reference);

}  // namespace tickmlp::bench
#endif
