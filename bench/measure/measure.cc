// SPDX-License-Identifier: Apache-2.0
#include "measure/measure.h"

#include <algorithm>
#include <cmath>

#include "audit/stability.h"
#include "measure/runs.h"

namespace tickmlp::bench {
namespace {

double milliseconds(double seconds) { return std::round(seconds * 1e3) / 1e3; }

}  // namespace

// Appends what the recorder holds to the last run of a series, and empties it.
void Runs::keep(const std::string& id, std::chrono::steady_clock::time_point begin) {
  const double begin_s = std::chrono::duration<double>(begin - start_).count();
  SeriesEvidence& series = result_->evidence[id];
  if (series.runs.empty()) series.runs.emplace_back();
  if (recorder_.count != 0)
    series.runs.back().push_back({milliseconds(begin_s), milliseconds(seconds_since(begin)), histogram_of(recorder_)});
  tickmlp_recorder_reset(&recorder_);
}

bool Runs::run_block(const Kind& kind, std::uint64_t number, std::uint64_t samples) {
  WorstSamples of_floor;
  BlockWatch watch(kind.scenario != nullptr ? &kind.scenario->worst : &of_floor, number, &events_);
  const auto begin = std::chrono::steady_clock::now();
  const bool whole = kind.block(samples, &recorder_, &watch);
  keep(kind.id, begin);
  result_->page_faults += watch.page_faults;
  result_->involuntary_switches += watch.involuntary_switches;
  result_->backwards += watch.backwards;
  if (kind.scenario != nullptr) {
    kind.scenario->page_faults += watch.page_faults;
    kind.scenario->involuntary_switches += watch.involuntary_switches;
  }
  return whole;
}

void Runs::jitter(const std::string& id) {
  const auto begin = std::chrono::steady_clock::now();
  watch_jitter(source_.clock, kJitterSeconds, &recorder_);
  keep(id, begin);
}

// One block of each floor, by itself.
void Runs::floors(const std::string& when, std::uint64_t number) {
  jitter("floor-jitter-" + when);
  for (const std::string floor : {"floor-timer", "floor-memory"})
    for (Kind kind : kinds_)
      if (kind.id == floor) {
        kind.id += "-" + when;
        run_block(kind, number, kChunk);
      }
}

bool Runs::run_epochs(std::uint64_t number) {
  for (std::uint64_t epoch = 0; epoch < plan_.epochs; ++epoch) {
    for (std::uint64_t k = epoch; k < epoch + kinds_.size(); ++k) {  // the order turns, so that none is always first
      const Kind& kind = kinds_[k % kinds_.size()];
      const std::uint64_t of_run = share(kind.samples, plan_.runs, number - 1);
      if (kind.once && epoch != 0) continue;
      if (!run_block(kind, number, kind.once ? of_run : share(of_run, plan_.epochs, epoch))) return false;
    }
    source_.between_blocks();
    result_->fixed_work_ns.push_back(time_fixed_work(source_.clock));
    result_->epochs += 1;
  }
  return true;
}

bool Runs::run(std::uint64_t number) {
  const Model model = source_.load();
  const Session session = open_session(model);
  const Window window = source_.ticks ? open_window(model) : nullptr;
  subject_ = {session.get(),        window.get(), tickmlp_model_describe(model.get()), source_.states, source_.count,
              source_.memory_floor, source_.clock};
  memory_.emplace(subject_);
  full_.emplace(subject_);
  tick_.emplace(subject_);
  prepare_others();
  warm(&*memory_, plan_.warm_up, plan_.warm_up_seconds);
  warm(&*full_, plan_.warm_up, plan_.warm_up_seconds);
  if (source_.ticks) warm(&*tick_, plan_.warm_up, plan_.warm_up_seconds);

  kinds_.clear();
  ColdCaches caches(subject_, plan_.scenarios);
  result_->scenarios.reserve(2 * plan_.scenarios.size());  // kinds point into it
  add_hot_kinds();
  add_cold_kinds(&caches);
  add_response_kinds(number);
  add_session_kinds(model, number);
  add_other_kinds();
  total_us_ = 0;
  for (const Kind& kind : kinds_)
    total_us_ += static_cast<double>(kind.samples) * kind.us_each / static_cast<double>(plan_.runs);

  if (number == 1) floors("before", number);
  for (const Kind& kind : kinds_) result_->evidence[kind.id].runs.emplace_back();
  result_->evidence["floor-jitter"].runs.emplace_back();
  jitter("floor-jitter");
  const bool whole = g_interrupt_signal == 0 && run_epochs(number);
  if (whole && number == plan_.runs) floors("after", number);
  result_->status = full_->status != TICKMLP_OK ? full_->status : tick_->status;
  tickmlp_counters counters{};
  tickmlp_session_counters(session.get(), &counters);
  result_->counters.inferences += counters.inferences;
  result_->counters.refused += counters.refused;
  result_->counters.clipped += counters.clipped;
  result_->counters.flushed += counters.flushed;
  return whole;
}

bool ScenarioResult::saturated() const {
  return std::any_of(responses.begin(), responses.end(), [](const Response& response) { return response.saturated; });
}

std::string scenario_id(const Scenario& scenario, bool tick) {
  return std::string(tick ? "tick-" : "full-") + scenario.name;
}

void measure(const Source& source, const Plan& plan, const std::function<void(double)>& progress, Measurement* result) {
  const auto start = std::chrono::steady_clock::now();
  result->begin_ticks = tickmlp_clock_begin();
  result->fixed_work_ns.reserve(plan.epochs * plan.runs);
  Runs runs(source, plan, progress, result);
  bool going = true;
  for (std::uint64_t number = 1; going && number <= plan.runs; ++number)
    if ((going = runs.run(number))) result->runs += 1;
  for (const ScenarioResult& scenario : result->scenarios)
    if (scenario.saturated()) result->evidence.erase(scenario.id);
  for (const ComparatorResult& other : result->others)
    if (!other.failure.empty()) result->evidence.erase(other.id);
  // What was stopped before its first sample is not in the evidence.
  for (auto& [id, series] : result->evidence) std::erase_if(series.runs, [](const Run& run) { return run.empty(); });
  std::erase_if(result->evidence, [](const auto& entry) { return entry.second.runs.empty(); });
  result->complete = going && g_interrupt_signal == 0;
  result->seconds = seconds_since(start);
}

}  // namespace tickmlp::bench
