// SPDX-License-Identifier: Apache-2.0
#include "timing.h"

#include <algorithm>

#include "cli.h"

namespace tickmlp::bench {
namespace {

class EmptyRunner : public Runner {
 public:
  void infer(const float*, float*) override {}
};

// A runner, where it is in the states, and how long it took.
struct Turn {
  Runner* runner;
  tickmlp_recorder* recorder;
  std::uint64_t next = 0;
};

const float* prepare(const Network& network, const States& states, Turn* turn) {
  const float* state = states.values.data() + turn->next * network.inputs;
  turn->next = turn->next + 1 == states.count ? 0 : turn->next + 1;
  for (std::uint32_t i = 0; i < network.inputs; i += 16) {
    const float touched = *static_cast<const volatile float*>(state + i);
    static_cast<void>(touched);
  }
  const float last = *static_cast<const volatile float*>(state + network.inputs - 1);
  static_cast<void>(last);
  return state;
}

}  // namespace

void time_in_turns(const std::vector<Runner*>& runners, const Network& network, const States& states,
                   const tickmlp_clock& clock, const TimingPlan& plan, std::vector<tickmlp_recorder>* recorders) {
  EmptyRunner empty;
  std::vector<float> output(network.outputs);
  recorders->resize(runners.size() + 1);
  for (tickmlp_recorder& recorder : *recorders) tickmlp_recorder_reset(&recorder);
  std::vector<Turn> turns = {{&empty, recorders->data()}};
  for (std::size_t i = 0; i < runners.size(); ++i) turns.push_back({runners[i], recorders->data() + i + 1});

  for (std::uint64_t epoch = 0; epoch < plan.epochs; ++epoch) {
    const std::uint64_t block = plan.samples / plan.epochs + (epoch < plan.samples % plan.epochs ? 1 : 0);
    for (std::size_t i = 0; i < turns.size(); ++i) {
      Turn& turn = turns[(epoch + i) % turns.size()];  // the order turns, so that none always follows the same one
      for (std::uint64_t call = 0; call < plan.warm_up; ++call)
        turn.runner->infer(prepare(network, states, &turn), output.data());
      for (std::uint64_t call = 0; call < block; ++call) {
        const float* state = prepare(network, states, &turn);
        const std::uint64_t begin = tickmlp_clock_begin();
        turn.runner->infer(state, output.data());
        const std::uint64_t end = tickmlp_clock_end();
        if (end >= begin) tickmlp_recorder_record(turn.recorder, tickmlp_clock_ns(&clock, end - begin));
      }
      if (g_interrupt_signal != 0) return;
    }
  }
}

}  // namespace tickmlp::bench
