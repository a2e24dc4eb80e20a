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
  void show(double done);  // 0 .. 1; cheap when it is too early to draw again
  void clear();

 private:
  std::string name_;
  std::chrono::steady_clock::time_point start_, last_;
  bool terminal_, drawn_ = false;
};

}  // namespace tickmlp::bench
#endif
