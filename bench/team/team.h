// SPDX-License-Identifier: Apache-2.0
// The timed part of `tickmlp team`: floors, one core, and teams of two, three, ... cores in turns.
#ifndef TICKMLP_BENCH_TEAM_H_
#define TICKMLP_BENCH_TEAM_H_
#include <string>
#include <vector>

#include "measure/memory_floor.h"
#include "model.h"

namespace tickmlp::bench {

struct Series {
  tickmlp_recorder recorder;
  std::vector<double> epoch_central_ns;
};

struct TeamPlan {
  std::vector<int> cores;  // the caller's, then the members'
  std::uint64_t deadline_ns;
  std::uint64_t samples, epochs;  // of each row
};

struct TeamRow {
  Series series;
  std::vector<double> ratios;        // of each epoch's central_ns to that of one core
  tickmlp_team_counters counters{};  // of the timed calls and the untimed ones before them
};

struct TeamMeasurement {
  Series timer, memory, round_trip;
  std::vector<TeamRow> rows;  // by cores - 1; the first is tickmlp_infer() on one core, no member spinning
  std::uint64_t epochs = 0;   // finished ones
  std::uint64_t compared = 0;
  std::string mismatch;  // where a team's bits were not the session's; "" when all were
};

// Pins the calling thread to the first core. Refuses what the library refuses (a core, the deadline, too many members).
TeamMeasurement measure_teams(const Model& model, const TeamPlan& plan, const MemoryFloorChoice& floor,
                              const tickmlp_clock& clock);

// A flag to a thread on another core and back, `rounds` times: the least that any hand-over costs.
void time_round_trips(const tickmlp_clock& clock, int core, std::uint64_t rounds, tickmlp_recorder* recorder);

}  // namespace tickmlp::bench
#endif
