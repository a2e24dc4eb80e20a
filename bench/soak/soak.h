// SPDX-License-Identifier: Apache-2.0
// Sustained load for minutes or days: a time series of interval percentiles, memory and alerts.
#ifndef TICKMLP_BENCH_SOAK_H_
#define TICKMLP_BENCH_SOAK_H_
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "measure/response.h"
#include "soak/alerts.h"

namespace tickmlp::bench {

// A longer soak has longer intervals instead of more: what is kept and written stays bounded (100 KB).
inline constexpr std::size_t kMostIntervals = 600;

struct SoakPlan {
  double seconds = 600;
  double interval_seconds = 1;  // as asked for; soak() widens it to seconds / kMostIntervals where that is longer
  double per_second = 0;        // 0: back to back, service times; else response times under planned arrivals
  Arrivals arrivals = Arrivals::kPoisson;
  bool tick = false;            // the tick path; full otherwise
  std::vector<Budget> budgets;  // of each interval: over one is an alert
};

struct SoakResult {
  SoakPlan plan;
  double interval_seconds = 0;  // as used
  std::vector<SoakInterval> intervals;
  std::vector<SoakAlert> alerts;
  tickmlp_recorder total;     // all intervals
  CallCounts calls;           // all intervals; capacity not
  double capacity_per_s = 0;  // 0 back to back
  bool saturated = false;     // the rate is above kMostLoad x capacity: nothing was run
  bool complete = false;      // false: interrupted (the last interval may be a short one)
  int interrupt_signal = 0;
  double seconds = 0;  // under load

  std::size_t critical_alerts() const;
};

struct SoakHooks {
  std::function<void(double)> progress;           // the share that is done, between calls
  std::function<void(const SoakAlert&)> alerted;  // at the end of an interval
};

// One thread, where it is pinned. States cycle; calls that fail (non-finite states) are counted, have no latency and do
// not end it. Between two intervals the percentiles are taken and memory is read, about 0.1 ms: no arrival is planned
// for that time. Load time: makes room for all intervals first, so that the soak itself does not grow.
// Refuses (exit 4): the first state cannot fill the window (tick path).
SoakResult soak(const Subject& subject, const SoakPlan& plan, const SoakHooks& hooks);

// The member "soak" of a certificate and of `tickmlp soak --json`: docs/SOAK.md has the fields.
nlohmann::json soak_json(const SoakResult& result);
nlohmann::json alert_json(const SoakAlert& alert);
// The same for people, twenty lines or so.
std::string soak_table(const SoakResult& result);

// `tickmlp soak`: an alert that was critical gives exit 1, saturated 3.
struct SoakOptions {
  std::string blob, kernel, input, json, command;
  int core = -1;  // -1: the last allowed one
  SoakPlan plan;
};
int soak_command(const SoakOptions& options);

}  // namespace tickmlp::bench
#endif
