// SPDX-License-Identifier: Apache-2.0
// The soak of a certificate: a fresh model under load, alerts as they come, and what is kept of it.
#include <cmath>
#include <cstdio>

#include "cli.h"
#include "measure/subject.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// One line, one write: a reader of the pipe sees it whole. A pipe that is closed does not end the soak.
void print_alert(const SoakAlert& alert) {
  json line = alert_json(alert);
  line["time"] = utc_now();
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

double milliseconds(double seconds) { return std::round(seconds * 1e3) / 1e3; }

// `begin_s`: when the load began, since the measurement did.
SeriesEvidence evidence_of(const SoakResult& result, double begin_s) {
  SeriesEvidence series;
  if (result.intervals.empty()) return series;
  Run& run = series.runs.emplace_back();
  for (const SoakInterval& interval : result.intervals)
    run.push_back(
        {milliseconds(begin_s + interval.begin_s), milliseconds(interval.seconds), histogram_of(interval.recorder)});
  return series;
}

void add_counts(const SoakResult& result, tickmlp_session* session, Measurement* measurement) {
  for (const SoakInterval& interval : result.intervals) {
    measurement->page_faults += interval.page_faults;
    measurement->involuntary_switches += interval.involuntary_switches;
  }
  measurement->backwards += result.calls.backwards;
  tickmlp_counters counters{};
  tickmlp_session_counters(session, &counters);
  measurement->counters.inferences += counters.inferences;
  measurement->counters.refused += counters.refused;
  measurement->counters.clipped += counters.clipped;
  measurement->counters.flushed += counters.flushed;
}

}  // namespace

SoakResult soak_source(const Source& source, const SoakPlan& plan, const std::function<void(double)>& show,
                       const std::function<void()>& before_alert, Measurement* measurement) {
  const Model model = source.load();
  const Session session = open_session(model);
  const Window window = plan.tick ? open_window(model) : nullptr;
  const Subject subject{session.get(), window.get(), tickmlp_model_describe(model.get()),
                        source.states, source.count, source.memory_floor,
                        source.clock};
  const std::uint64_t begin = tickmlp_clock_begin();
  SoakResult result = soak(subject, plan,
                           {show,
                            [&](const SoakAlert& alert) {
                              before_alert();
                              print_alert(alert);
                            },
                            source.between_blocks});
  const double begin_s = static_cast<double>(begin - measurement->begin_ticks) * source.clock.ns_per_tick / 1e9;
  if (SeriesEvidence series = evidence_of(result, begin_s); !series.runs.empty())
    measurement->evidence[kSoakId] = std::move(series);
  add_counts(result, session.get(), measurement);
  measurement->complete = result.complete;
  return result;
}

}  // namespace tickmlp::bench
