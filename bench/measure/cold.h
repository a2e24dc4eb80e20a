// SPDX-License-Identifier: Apache-2.0
// Timed calls that do not find everything in the caches: after a gap, or after an eviction.
#ifndef TICKMLP_BENCH_COLD_H_
#define TICKMLP_BENCH_COLD_H_
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "measure/block_watch.h"
#include "measure/evict.h"
#include "measure/plan.h"
#include "measure/timed_work.h"

namespace tickmlp::bench {

inline constexpr std::uint64_t kFewestCold = 368;   // not fewer samples than p99 needs: 3.7 s of 10 ms gaps
inline constexpr double kLongestColdSeconds = 3.8;  // unless even those take longer

class ColdCaches {
 public:
  ColdCaches(const Subject& subject, const std::vector<Scenario>& scenarios);

  // What is really done: without a way to flush the buffer is walked.
  Eviction way_of(const Scenario& scenario) const;
  // What a sample takes, most of it outside the timed region.
  double ns_each(const Scenario& scenario) const;
  // How many samples fit into the plan's time for a cold scenario, never more than of hot calls.
  std::uint64_t samples(const Scenario& scenario, const Plan& plan) const;

  // One block. False when it was interrupted or a call failed. Work is FullWork or TickWork.
  template <class Work>
  bool time_block(Work* work, const Scenario& scenario, std::uint64_t samples, tickmlp_recorder* recorder,
                  BlockWatch* watch, const std::function<void()>& sample_done) const;

 private:
  template <class Work>
  void wait(Work* work, const Scenario& scenario) const;

  const Subject& subject_;
  std::vector<Scenario> scenarios_;
  struct Way {
    std::optional<Evictor> evict;  // nothing where no scenario asks for it
    double ns = 0;                 // one eviction
  };
  const Way& way(const Scenario& scenario) const { return ways_[static_cast<std::size_t>(scenario.eviction)]; }
  std::array<Way, 4> ways_;  // by Eviction
};

}  // namespace tickmlp::bench
#endif
