// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "growth/calibrate.h"
#include "growth/hot_timing.h"

namespace tickmlp::bench {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20, kMiB = std::size_t{1} << 20;
constexpr double kBlockSeconds = 0.004;

// On huge pages where the box allows them, as the library's weights are.
std::unique_ptr<void, void (*)(void*)> allocate(std::size_t bytes) {
  std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(kHugePage, bytes), std::free);
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory.get(), bytes, MADV_HUGEPAGE);
  std::memset(memory.get(), 1, bytes);
  return memory;
}

// Six sizes an octave up to four times L2, where the edges of L1 and L2 are, then three.
std::vector<std::size_t> sizes(const Caches& caches) {
  const std::size_t last = std::clamp<std::size_t>(4 * caches.l3, 64 * kMiB, 128 * kMiB);
  const double l1 = static_cast<double>(caches.l1d != 0 ? caches.l1d : 32768);
  const double l2 = static_cast<double>(caches.l2 != 0 ? caches.l2 : kMiB);
  std::vector<std::size_t> all;
  for (double bytes = l1 / 4; bytes < static_cast<double>(last);
       bytes *= bytes < 4 * l2 ? std::exp2(1.0 / 6) : std::cbrt(2.0))
    all.push_back(static_cast<std::size_t>(bytes) / 64 * 64);
  all.push_back(last / kHugePage * kHugePage);
  return all;
}

// A larger set is never read faster: what says so had a neighbour's burst in all its rounds, or, at the small end, the
// start of the loop. So each point is the least of itself and all larger ones.
void smooth(ReadCurve* curve) {
  for (std::size_t i = curve->size(); i-- > 1;)
    (*curve)[i - 1].ns_per_line = std::min((*curve)[i - 1].ns_per_line, (*curve)[i].ns_per_line);
}

}  // namespace

ReadCalibration::ReadCalibration(const Caches& caches)
    : sizes_(sizes(caches)),
      memory_(allocate(sizes_.back())),
      floor_(choose_memory_floor()),
      timer_(std::numeric_limits<double>::max()),
      forward_(sizes_.size(), timer_),
      turning_(sizes_.size(), timer_) {}

void ReadCalibration::round(const tickmlp_clock& clock) {
  const auto least = [&](double* of, double seconds, auto&& call) {
    *of = std::min(*of, central_of_block(clock, seconds, call));
  };
  for (std::size_t i = 0; i < sizes_.size() && g_interrupt_signal == 0; ++i) {
    least(&timer_, kBlockSeconds / 4, [] {});
    least(&forward_[i], kBlockSeconds, [&] { floor_.read(memory_.get(), sizes_[i]); });
    bool backwards = false;
    least(&turning_[i], kBlockSeconds, [&] {
      read_in_chunks(floor_.read, memory_.get(), sizes_[i], backwards);
      backwards = !backwards;
    });
  }
}

void ReadCalibration::finish(CpuProfile* profile) const {
  profile->timer_ns = timer_;
  profile->read_isa = floor_.isa;
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    const double lines = static_cast<double>(sizes_[i]) / 64;
    profile->forward.push_back({sizes_[i], (forward_[i] - timer_) / lines});
    profile->turning.push_back({sizes_[i], (turning_[i] - timer_) / lines});
  }
  smooth(&profile->forward);
  smooth(&profile->turning);
}

}  // namespace tickmlp::bench
