// SPDX-License-Identifier: Apache-2.0
// The two measured halves of a CPU's profile.
#ifndef TICKMLP_BENCH_CALIBRATE_H_
#define TICKMLP_BENCH_CALIBRATE_H_
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "growth/cost_model.h"
#include "measure/memory_floor.h"
#include "growth/synthetic_blob.h"

namespace tickmlp::bench {

// Rounds of all that is measured, of which the fastest counts for each: neighbours on a shared machine only ever add
// time, so the least of several blocks that lie seconds apart is nearest to what the CPU itself takes.
inline constexpr int kCalibrationRounds = 7;

// Bare reads from a quarter of L1 to four times L3 (64 to 128 MiB), and the timer.
class ReadCalibration {
 public:
  explicit ReadCalibration(const Caches& caches);
  void round(const tickmlp_clock& clock);
  void finish(CpuProfile* profile) const;  // fills timer_ns, read_isa, forward and turning

 private:
  std::vector<std::size_t> sizes_;
  std::unique_ptr<void, void (*)(void*)> memory_;
  MemoryFloorChoice floor_;
  double timer_;
  std::vector<double> forward_, turning_;  // of each size, the timer in them
};

// Every available kernel: of each some twenty small models are timed. Those of one group give step_ns, wide ones
// line_ns, many lanes group_ns, and so on, by least squares where one model depends on several. Their shapes are none
// of the sweep's.
class KernelCalibration {
 public:
  explicit KernelCalibration(const Caches& caches);
  void round(const tickmlp_clock& clock);
  void finish(CpuProfile* profile) const;  // fills kernels; the reads' half must be there

  struct Timed {
    explicit Timed(const Shape& of) : shape(of) {}
    Shape shape;
    double full = std::numeric_limits<double>::max(), tick = full;  // central, ns, the timer in it
  };
  struct Kernel {
    std::string name;
    std::vector<Timed> basic, special;
  };

 private:
  std::vector<Kernel> kernels_;
};

}  // namespace tickmlp::bench
#endif
