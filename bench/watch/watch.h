// SPDX-License-Identifier: Apache-2.0
// `tickmlp watch`: what a process that watches a published folder would take or refuse, and why.
#ifndef TICKMLP_BENCH_WATCH_WATCH_H_
#define TICKMLP_BENCH_WATCH_WATCH_H_
#include <cstdint>
#include <string>

#include "watch/tickmlp_watch.h"

namespace tickmlp::bench {

struct WatchOptions {
  std::string folder, kernel;
  std::string public_key;  // minisign's line, or a file that has it; empty: signatures are not looked at
  std::string running;     // a blob that stands for the running model; empty: nothing runs yet
  tickmlp_drift_limits drift{};
  std::uint64_t least_generation = 0;
  double period_ns = 1e9;
  bool forbid_rollback = false, once = false, json = false;
};
int watch(const WatchOptions& options);

// "probability=0.02,value=0.02,argmax=0.99", any of the three. "" where it is of that form, else what is wrong.
std::string read_drift_limits(const std::string& text, tickmlp_drift_limits* out);

// A few lines for people, or one line of JSON.
std::string watch_report_text(const tickmlp_watch_report& report);
std::string watch_report_json(const std::string& folder, const tickmlp_watch_report& report);

}  // namespace tickmlp::bench
#endif
