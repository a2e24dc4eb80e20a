// SPDX-License-Identifier: Apache-2.0
// A measurement in progress: what takes its turn in each epoch (kinds.cc), and the turns (measure.cc).
#ifndef TICKMLP_BENCH_MEASURE_RUNS_H_
#define TICKMLP_BENCH_MEASURE_RUNS_H_
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "measure/block_watch.h"
#include "measure/cold.h"
#include "measure/hot.h"
#include "measure/measure.h"

namespace tickmlp::bench {

// What takes its turn in each epoch.
struct Kind {
  std::string id;            // of its series
  std::uint64_t samples;     // in all runs
  double us_each;            // roughly, for the share that is done
  ScenarioResult* scenario;  // nullptr: a floor
  bool once;                 // one block in each run, in its first epoch: a queue needs time to show itself
  std::function<bool(std::uint64_t samples, tickmlp_recorder* recorder, BlockWatch* watch)> block;
};

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
  void add_session_kinds(const Model& model, std::uint64_t number);
  void prepare_others();
  void add_other_kinds();
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
  std::vector<OtherWork> others_;
};

}  // namespace tickmlp::bench
#endif
