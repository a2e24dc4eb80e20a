// SPDX-License-Identifier: Apache-2.0
// Alerts of a soak: which interval was over which limit, how badly, and when it was over.
#ifndef TICKMLP_BENCH_SOAK_ALERTS_H_
#define TICKMLP_BENCH_SOAK_ALERTS_H_
#include <string>
#include <vector>

#include "certify/budget.h"
#include "soak/interval.h"

namespace tickmlp::bench {

inline constexpr double kAlertP99Ns = 1e6;        // 1 ms, whatever the budgets say
inline constexpr double kAlertErrorShare = 0.01;  // of an interval's calls
// One rule for all: an interval above the limit is a warning, since a shared box has such now and then; it is critical
// when it is the third in a row, or ten times the limit.
inline constexpr int kCriticalInARow = 3;
inline constexpr double kCriticalTimes = 10;

struct SoakAlert {
  std::string rule;   // "p99", "budget p99.9", "errors", "saturated"
  std::string state;  // "raised", "cleared"
  bool critical;      // the severity; of a cleared one, the worst that it had reached
  double at_s;        // end of the interval, since the load began
  std::size_t interval;
  double value, limit;
  std::string unit;  // "ns", "share", "calls/s"
  std::string text;  // the same for people
};

// Of a rate that is above 0.9 x the capacity from the beginning, so that nothing was run: critical, interval 0.
SoakAlert nothing_run_alert(double per_second, double capacity_per_s);

class AlertWatch {
 public:
  // `per_second`: the offered rate, 0 back to back.
  AlertWatch(const std::vector<Budget>& budgets, double per_second);
  // Alerts that this interval raises, makes worse or clears. A figure that the interval lacks changes nothing.
  std::vector<SoakAlert> judge(const SoakInterval& interval, std::size_t index);

 private:
  struct Rule {
    std::string name, figure;
    double limit;
    std::string unit;
    bool at_once;  // critical from the first interval on
    int in_a_row = 0;
    bool raised = false, critical = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace tickmlp::bench
#endif
