// SPDX-License-Identifier: Apache-2.0
// `tickmlp monitor`: a process as a host would be one, a hot thread and a housekeeping thread that publishes. It shows
// the library's monitoring calls at work, and rehearses alerts.
#ifndef TICKMLP_BENCH_MONITOR_MONITOR_H_
#define TICKMLP_BENCH_MONITOR_MONITOR_H_
#include <cstdint>
#include <string>

namespace tickmlp::bench {

struct MonitorOptions {
  std::string blob, kernel, textfile, json, process = "tickmlp-monitor";
  int core = -1;              // the hot thread's; -1: the last allowed one
  std::uint64_t seconds = 0;  // 0: until interrupted
  double interval_ns = 1e9;   // between two publications
  std::uint64_t rate = 1000;  // calls a second, full and tick path in turns where the model has a window
  std::string shadow;         // second model, which answers the full path's questions too; "": none
  // Drills: what makes an alert fire, in this share of the calls.
  double slow_ns = 0;                // one call in twenty takes this much longer; 0: none
  std::uint64_t refuse_percent = 0;  // calls with a NaN among their inputs
  std::uint64_t clip_percent = 0;    // calls with inputs far outside the calibrated range (int8)
  double shadow_sleep_ns = 1e6;      // of the shadow, when it has answered all that waited
};
int monitor(const MonitorOptions& options);

}  // namespace tickmlp::bench
#endif
