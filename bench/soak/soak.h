// SPDX-License-Identifier: Apache-2.0
// Sustained load for minutes or days: a time series of interval histograms, memory and alerts.
#ifndef TICKMLP_BENCH_SOAK_H_
#define TICKMLP_BENCH_SOAK_H_
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "measure/measure.h"
#include "soak/alerts.h"

namespace tickmlp::bench {

// A longer soak has longer intervals instead of more: what is kept and written stays bounded.
inline constexpr std::size_t kMostIntervals = 600;
inline constexpr const char* kSoakId = "soak";  // of its series in the evidence and of its budgets

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
  CallCounts calls;           // all intervals; capacity not
  std::string first_error;    // the name of the first refusal; "" for none
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
  std::function<void()> between_intervals;        // outside of every call and every plan
};

// One thread, where it is pinned. States cycle; calls that fail (non-finite states) are counted, have no latency and do
// not end it. Between two intervals the percentiles are taken and memory is read, about 0.2 ms, and 64 untimed calls
// warm the caches again: no arrival is planned for that time. Load time: makes room for all intervals first (16 MB for
// 600), so that the soak itself does not grow. Refuses (exit 4): the first state cannot fill the window (tick path).
SoakResult soak(const Subject& subject, const SoakPlan& plan, const SoakHooks& hooks);

// The soak of a certificate: loads the model once more, keeps it under load, writes alerts to standard error as JSON
// lines, and adds to the measurement what the audit and the counters need. The histogram of each interval becomes a
// block of the one run of the series kSoakId. `show` gets the share that is done.
SoakResult soak_source(const Source& source, const SoakPlan& plan, const std::function<void(double)>& show,
                       const std::function<void()>& before_alert, Measurement* measurement);

// The member "soak" of a certificate: docs/SOAK.md has the fields.
nlohmann::json soak_json(const SoakResult& result);
nlohmann::json alert_json(const SoakAlert& alert);
std::vector<Budget> budgets_of_soak(const std::vector<Budget>& budgets);  // those for the scenario kSoakId

// The result again, from its member, the budgets and the evidence: figures and alerts are computed, the rest is read.
// Throws std::exception where a field is missing or of another type, or an interval has no histogram.
SoakResult read_soak(const nlohmann::json& member, const std::vector<Budget>& budgets, const SeriesEvidence& series);

// The member for people, twenty lines or so.
std::string soak_table(const nlohmann::json& member);

}  // namespace tickmlp::bench
#endif
