// SPDX-License-Identifier: Apache-2.0
// The timed part: all systems and the empty region in turns, in blocks, on one core.
#ifndef TICKMLP_BENCH_PEERS_TIMING_H_
#define TICKMLP_BENCH_PEERS_TIMING_H_
#include "agreement.h"
#include "tickmlp.h"

namespace tickmlp::bench {

struct TimingPlan {
  std::uint64_t samples = 20'000;  // of each system
  std::uint64_t epochs = 20;       // one block of each system in each
  std::uint64_t warm_up = 64;      // untimed calls before each block
};

// recorders[0] is the empty region (the timer floor), recorders[i + 1] the i-th of `runners`. Each sample takes the
// next state, whose cache lines are read before the clock is, as in bench/measure.cc. Stops when interrupted.
void time_in_turns(const std::vector<Runner*>& runners, const Network& network, const States& states,
                   const tickmlp_clock& clock, const TimingPlan& plan, std::vector<tickmlp_recorder>* recorders);

}  // namespace tickmlp::bench
#endif
