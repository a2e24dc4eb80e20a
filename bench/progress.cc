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

void ProgressBar::show(double done) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (seconds(now - last_) < kEvery || done <= 0) return;
  last_ = now;
  const double elapsed = seconds(now - start_), total = elapsed / done;
  if (total < kWorthShowing) return;
  const int filled = std::clamp(static_cast<int>(done * kWidth), 0, kWidth);
  std::fprintf(stderr, "\r%s [%.*s%*s] %3.0f %%, %.0f s left ", name_.c_str(), filled,
               "########################################", kWidth - filled, "", done * 100, total - elapsed);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) std::fprintf(stderr, "\r%*s\r", static_cast<int>(name_.size()) + kWidth + 30, "");
  drawn_ = false;
}

}  // namespace tickmlp::bench
