// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tickmlp::bench {
namespace {
constexpr double kWorthShowing = 2.0, kEvery = 0.2;  // seconds
constexpr int kWidth = 40;
double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }
}  // namespace

ProgressBar::ProgressBar(std::string name)
    : name_(std::move(name)), start_(std::chrono::steady_clock::now()), last_(start_), terminal_(isatty(2) == 1) {}

bool ProgressBar::too_early(std::chrono::steady_clock::time_point now) const { return seconds(now - last_) < kEvery; }

void ProgressBar::show(double done, double later_seconds) {
  if (!terminal_ || done <= 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (!too_early(now)) draw(now, seconds(now - start_) * (1 / done - 1) + later_seconds);
}

void ProgressBar::show_left(double seconds_left) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!too_early(now)) draw(now, seconds_left);
}

void ProgressBar::draw(std::chrono::steady_clock::time_point now, double seconds_left) {
  last_ = now;
  const double elapsed = seconds(now - start_), total = elapsed + seconds_left, done = elapsed / total;
  if (total < kWorthShowing) return;
  const int filled = std::clamp(static_cast<int>(done * kWidth), 0, kWidth);
  std::fprintf(stderr, "\r%s [%.*s%*s] %3.0f %%, %.0f s left ", name_.c_str(), filled,
               "########################################", kWidth - filled, "", done * 100, seconds_left);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) std::fprintf(stderr, "\r%*s\r", static_cast<int>(name_.size()) + kWidth + 30, "");
  drawn_ = false;
}

}  // namespace tickmlp::bench
