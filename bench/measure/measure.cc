// SPDX-License-Identifier: Apache-2.0
#include "measure/measure.h"

#include <cmath>
#include <optional>

#include "audit/stability.h"
#include "measure/cold.h"
#include "measure/hot.h"
#include "measure/sessions.h"

namespace tickmlp::bench {
namespace {

// What takes its turn in each epoch.
struct Kind {
  std::string id;            // of its series
  std::uint64_t samples;     // in all runs
  double us_each;            // roughly, for the share that is done
  ScenarioResult* scenario;  // nullptr: a floor
  bool once;                 // one block in each run, in its first epoch: a queue needs time to show itself
  std::function<bool(std::uint64_t samples, tickmlp_recorder* recorder, BlockWatch* watch)> block;
};

// The measurement in progress.
class Runs {
 public:
  Runs(const Source& source, const Plan& plan, const std::function<void(double)>& progress, Measurement* result)
      : source_(source), plan_(plan), progress_(progress), result_(result), events_(source.core) {
    tickmlp_recorder_reset(&recorder_);
  }
  bool run(std::uint64_t number);

 private:
  void add_hot_kinds();
  void add_cold_kinds(ColdCaches* caches);
  void add_response_kinds(std::uint64_t number);
  void add_session_kinds(const Model& model);
  bool run_epochs(std::uint64_t number);
  bool run_block(const Kind& kind, std::uint64_t number, std::uint64_t samples);
  void floors(const std::string& when, std::uint64_t number);
  void jitter(const std::string& id);
  void keep(const std::string& id, std::chrono::steady_clock::time_point begin);
  ScenarioResult* result_of(const Scenario& scenario, bool tick, Eviction way);
  void add(std::string id, std::uint64_t samples, double us_each, ScenarioResult* scenario, auto block,
           bool once = false) {
    kinds_.push_back({std::move(id), samples, us_each, scenario, once, block});
  }
  void advance(double us) { progress_((done_us_ += us) / (total_us_ * static_cast<double>(plan_.runs))); }

  const Source& source_;
  const Plan& plan_;
  const std::function<void(double)>& progress_;
  Measurement* result_;
  EventReader events_;
  tickmlp_recorder recorder_;  // of the block that is being timed
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double done_us_ = 0, total_us_ = 0;  // total: of one run
  // Of one run:
  std::vector<Kind> kinds_;
  Subject subject_{};
  TimerWork timer_;
  std::optional<MemoryWork> memory_;
  std::optional<FullWork> full_;
  std::optional<TickWork> tick_;
};

double milliseconds(double seconds) { return std::round(seconds * 1e3) / 1e3; }

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
void Runs::add_session_kinds(const Model& model) {
  for (const Scenario& scenario : plan_.scenarios) {
    if (!scenario.several()) continue;
    ScenarioResult* result = result_of(scenario, false, Eviction::kNone);
    const auto block = [&, result](std::uint64_t calls, tickmlp_recorder* to, BlockWatch* watch) {
      const SessionsPlan plan{
          {source_.cores.end() - static_cast<std::ptrdiff_t>(scenario.sessions), source_.cores.end()},
          calls / scenario.sessions,
          plan_.warm_up};
      const SessionsResult together = measure_sessions(model, subject_, plan);
      for (const SessionOnCore& session : together.sessions) {
        tickmlp_recorder_merge(to, &session.recorder);
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
  warm(&*memory_, plan_.warm_up, plan_.warm_up_seconds);
  warm(&*full_, plan_.warm_up, plan_.warm_up_seconds);
  if (source_.ticks) warm(&*tick_, plan_.warm_up, plan_.warm_up_seconds);

  kinds_.clear();
  ColdCaches caches(subject_, plan_.scenarios);
  result_->scenarios.reserve(2 * plan_.scenarios.size());  // kinds point into it
  add_hot_kinds();
  add_cold_kinds(&caches);
  add_response_kinds(number);
  add_session_kinds(model);
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

}  // namespace

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
  // What was stopped before its first sample is not in the evidence.
  for (auto& [id, series] : result->evidence) std::erase_if(series.runs, [](const Run& run) { return run.empty(); });
  std::erase_if(result->evidence, [](const auto& entry) { return entry.second.runs.empty(); });
  result->complete = going && g_interrupt_signal == 0;
  result->seconds = seconds_since(start);
}

}  // namespace tickmlp::bench
