// SPDX-License-Identifier: Apache-2.0
#ifndef TICKMLP_BENCH_PROGRESS_H_
#define TICKMLP_BENCH_PROGRESS_H_
#include <chrono>
#include <string>

namespace tickmlp::bench {

// One line on standard error with the time left; only on a terminal, and only for work of more than two seconds.
class ProgressBar {
 public:
  explicit ProgressBar(std::string name);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  // 0 .. 1 of the work since the begin, behind which more for `later_seconds` follows. Cheap when it is too early to
  // draw again.
  void show(double done, double later_seconds = 0);
  void show_left(double seconds);  // where that is known
  void clear();

 private:
  bool too_early(std::chrono::steady_clock::time_point now) const;
  void draw(std::chrono::steady_clock::time_point now, double seconds_left);

  std::string name_;
  std::chrono::steady_clock::time_point start_, last_;
  bool terminal_, drawn_ = false;
};

}  // namespace tickmlp::bench
#endif
