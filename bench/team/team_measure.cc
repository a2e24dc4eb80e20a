// SPDX-License-Identifier: Apache-2.0
#include "team/team.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "cli.h"
#include "progress.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kWarmUp = 2'000;  // untimed calls before each block; members were somewhere else before
constexpr std::uint64_t kRoundTrips = 2'000;

struct TeamFree {
  void operator()(tickmlp_team* team) const { tickmlp_team_free(team); }
};
using Team = std::unique_ptr<tickmlp_team, TeamFree>;

// Of the first `cores` cores.
Team open_team(const Model& model, const TeamPlan& plan, std::size_t cores) {
  tickmlp_team_options options{};
  options.cores = plan.cores.data() + 1;
  options.core_count = cores - 1;
  options.deadline_ns = plan.deadline_ns;
  tickmlp_team* team = nullptr;
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_team_create(model.get(), &options, &team, &error);
  if (status != TICKMLP_OK) fail("cannot make a team of " + std::to_string(cores) + " cores", status, error);
  return Team(team);
}

struct alignas(128) Flag {
  std::atomic<std::uint64_t> value{0};
};

struct States {
  const float *inputs, *golden;
  std::uint64_t count, each, outputs;
  const float* at(std::uint64_t i) const { return inputs + i % count * each; }
};

// As in `certify`: the state's lines are read just before the clock is, since whoever computes features has just
// written them.
void touch(const float* state, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; i += 16) static_cast<void>(*static_cast<const volatile float*>(state + i));
}

template <class Call>
void time_block(const States& states, const tickmlp_clock& clock, std::uint64_t warm_up, std::uint64_t samples,
                Series* series, Call call) {
  tickmlp_recorder epoch;
  tickmlp_recorder_reset(&epoch);
  for (std::uint64_t i = 0; i < warm_up + samples && g_interrupt_signal == 0; ++i) {
    const float* state = states.at(i);
    touch(state, states.each);
    const std::uint64_t begin = tickmlp_clock_begin();
    call(state);
    const std::uint64_t end = tickmlp_clock_end();
    if (i >= warm_up && end >= begin) tickmlp_recorder_record(&epoch, tickmlp_clock_ns(&clock, end - begin));
  }
  tickmlp_recorder_merge(&series->recorder, &epoch);
  series->epoch_central_ns.push_back(tickmlp_recorder_central(&epoch));
}

// Every state once; false where the bits differ from the golden outputs.
template <class Call>
bool same_bits(const States& states, const std::vector<float>& output, Call call) {
  for (std::uint64_t i = 0; i < states.count; ++i) {
    call(states.at(i));
    if (std::memcmp(output.data(), states.golden + i * states.outputs, states.outputs * sizeof(float)) != 0)
      return false;
  }
  return true;
}

void add(const tickmlp_team_counters& from, tickmlp_team_counters* to) {
  to->inferences += from.inferences;
  to->refused += from.refused;
  to->clipped += from.clipped;
  to->alone += from.alone;
  to->late += from.late;
  to->rejoined += from.rejoined;
}

}  // namespace

void time_round_trips(const tickmlp_clock& clock, int core, std::uint64_t rounds, tickmlp_recorder* recorder) {
  Flag there, back;
  std::atomic<int> pinned{0};
  std::thread other([&] {
    const bool good = tickmlp_pin_thread(core, nullptr) == TICKMLP_OK;
    pinned = good ? 1 : -1;
    pinned.notify_one();
    for (std::uint64_t round = 1; good && round <= rounds; ++round) {
      while (there.value.load(std::memory_order_acquire) != round) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
      back.value.store(round, std::memory_order_release);
    }
  });
  pinned.wait(0);  // asleep: under a real-time policy the other thread could not leave this core otherwise
  for (std::uint64_t round = 1; pinned == 1 && round <= rounds; ++round) {
    const std::uint64_t begin = tickmlp_clock_begin();
    there.value.store(round, std::memory_order_release);
    while (back.value.load(std::memory_order_acquire) != round) {
    }
    const std::uint64_t end = tickmlp_clock_end();
    if (round > rounds / 10 && end >= begin) tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, end - begin));
  }
  other.join();
}

TeamMeasurement measure_teams(const Model& model, const TeamPlan& plan, const MemoryFloorChoice& floor,
                              const tickmlp_clock& clock) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  States states{nullptr, nullptr, 0, info.inputs, info.outputs};
  states.count = tickmlp_model_golden(model.get(), &states.inputs, &states.golden);
  std::vector<float> output(info.outputs);
  const Session session = open_session(model);
  TeamMeasurement result;
  result.rows.resize(plan.cores.size());
  for (Series* series : {&result.timer, &result.memory, &result.round_trip}) tickmlp_recorder_reset(&series->recorder);
  for (TeamRow& row : result.rows) tickmlp_recorder_reset(&row.series.recorder);
  open_team(model, plan, plan.cores.size());  // refuses what is wrong before minutes of measuring
  ProgressBar bar("team");
  for (std::uint64_t epoch = 0; epoch < plan.epochs && g_interrupt_signal == 0; ++epoch) {
    const auto block = [&](std::uint64_t warm_up, Series* series, auto call) {
      time_block(states, clock, warm_up, plan.samples / plan.epochs, series, call);
    };
    block(0, &result.timer, [](const float*) {});
    block(64, &result.memory, [&](const float*) { floor.read(info.weights, info.weight_bytes); });
    if (plan.cores.size() > 1) time_round_trips(clock, plan.cores[1], kRoundTrips, &result.round_trip.recorder);
    const auto infer = [&](const float* state) {
      tickmlp_infer(session.get(), state, info.inputs, output.data(), output.size());
    };
    block(kWarmUp, &result.rows[0].series, infer);
    for (std::size_t cores = 2; cores <= plan.cores.size() && g_interrupt_signal == 0; ++cores) {
      const Team team = open_team(model, plan, cores);
      const auto together = [&](const float* state) {
        tickmlp_team_infer(team.get(), state, info.inputs, output.data(), output.size());
      };
      TeamRow& row = result.rows[cores - 1];
      block(kWarmUp, &row.series, together);
      if (!same_bits(states, output, together)) result.mismatch = std::to_string(cores) + " cores";
      result.compared += states.count;
      tickmlp_team_counters counters{};
      tickmlp_team_read_counters(team.get(), &counters);
      add(counters, &row.counters);
    }
    if (g_interrupt_signal != 0) break;
    for (TeamRow& row : result.rows)
      row.ratios.push_back(row.series.epoch_central_ns.back() / result.rows[0].series.epoch_central_ns.back());
    result.epochs += 1;
    bar.show(static_cast<double>(epoch + 1) / static_cast<double>(plan.epochs));
  }
  return result;
}

}  // namespace tickmlp::bench
