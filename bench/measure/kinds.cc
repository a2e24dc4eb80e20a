// SPDX-License-Identifier: Apache-2.0
// Every kind of timed region: floors, hot paths, cold scenarios, paced arrivals, several sessions.
#include <algorithm>

#include "measure/runs.h"
#include "measure/sessions.h"

namespace tickmlp::bench {

ScenarioResult* Runs::result_of(const Scenario& scenario, bool tick, Eviction way) {
  const std::string id = scenario_id(scenario, tick);
  for (ScenarioResult& result : result_->scenarios)
    if (result.id == id) return &result;
  result_->scenarios.push_back({id, scenario, tick, way, {}, 0, 0, {}});
  return &result_->scenarios.back();
}

void Runs::add_hot_kinds() {
  const auto add_one = [&](const std::string& id, ScenarioResult* scenario, auto* work) {
    add(id, plan_.samples, 1, scenario, [this, work](std::uint64_t samples, tickmlp_recorder* to, BlockWatch* watch) {
      const auto chunk_done = [&](std::uint64_t chunk) { advance(static_cast<double>(chunk)); };
      return time_hot(source_.clock, work, samples, to, watch, chunk_done);
    });
  };
  add_one("floor-timer", nullptr, &timer_);
  add_one("floor-memory", nullptr, &*memory_);
  const Scenario& hot = plan_.scenarios.front();
  add_one("full-hot", result_of(hot, false, Eviction::kNone), &*full_);
  if (source_.ticks) add_one("tick-hot", result_of(hot, true, Eviction::kNone), &*tick_);
}

void Runs::add_cold_kinds(ColdCaches* caches) {
  for (const Scenario& scenario : plan_.scenarios)
    for (const bool tick : {false, true}) {
      if (!scenario.cold() || (tick && !source_.ticks)) continue;
      ScenarioResult* result = result_of(scenario, tick, caches->way_of(scenario));
      const double us_each = caches->ns_each(scenario) / 1000;
      const auto block = [=, this](std::uint64_t samples, tickmlp_recorder* to, BlockWatch* watch) {
        const auto sample_done = [&] { advance(us_each); };
        const auto timed = [&](auto* work) {
          warm(work, kChunkWarmUp, 0);
          return caches->time_block(work, scenario, samples, to, watch, sample_done);
        };
        return tick ? timed(&*tick_) : timed(&*full_);
      };
      add(result->id, caches->samples(scenario, plan_), us_each, result, block);
    }
}

void Runs::add_response_kinds(std::uint64_t number) {
  for (const Scenario& scenario : plan_.scenarios)
    for (const bool tick : {false, true}) {
      if (!scenario.paced() || (tick && !source_.ticks)) continue;
      ScenarioResult* result = result_of(scenario, tick, Eviction::kNone);
      const auto per_second = static_cast<double>(scenario.rate_per_s);
      const auto samples = static_cast<std::uint64_t>(per_second * plan_.response_seconds);
      const auto block = [=, this](std::uint64_t calls, tickmlp_recorder* to, BlockWatch* watch) {
        if (calls == 0) return true;
        const ResponsePlan plan{scenario.arrivals, per_second, calls, number};
        const auto timed = [&](auto* work) { return measure_response(source_.clock, plan, work, to, watch); };
        result->responses.push_back(tick ? timed(&*tick_) : timed(&*full_));
        advance(static_cast<double>(calls) * 1e6 / per_second);
        return result->responses.back().complete;
      };
      add(result->id, std::min(samples, plan_.samples), 1e6 / per_second, result, block, true);
    }
}

// On the last cores that this process may use; this thread, which sleeps meanwhile, is pinned to one of them.
void Runs::add_session_kinds(const Model& model, std::uint64_t number) {
  for (const Scenario& scenario : plan_.scenarios)
    for (const bool tick : {false, true}) {
      if (!scenario.several() || (tick && !source_.ticks)) continue;
      ScenarioResult* result = result_of(scenario, tick, Eviction::kNone);
      const auto block = [=, &model, this](std::uint64_t calls, tickmlp_recorder* to, BlockWatch* watch) {
        const SessionsPlan plan{
            {source_.cores.end() - static_cast<std::ptrdiff_t>(scenario.sessions), source_.cores.end()},
            calls / scenario.sessions,
            plan_.warm_up,
            number,
            tick};
        const SessionsResult together = measure_sessions(model, subject_, plan);
        for (const SessionOnCore& session : together.sessions) {
          tickmlp_recorder_merge(to, &session.recorder);
          watch->worst->add(session.worst, "core " + std::to_string(session.core) + ": ");
          watch->page_faults += session.page_faults;
          watch->involuntary_switches += session.involuntary_switches;
          watch->backwards += session.calls.backwards;
        }
        advance(static_cast<double>(calls));
        return together.complete;
      };
      add(result->id, plan_.samples, 1, result, block, true);
    }
}

}  // namespace tickmlp::bench
