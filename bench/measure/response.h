// SPDX-License-Identifier: Apache-2.0
// The response time of a model under a paced schedule, as a certificate reports it.
#ifndef TICKMLP_BENCH_RESPONSE_H_
#define TICKMLP_BENCH_RESPONSE_H_
#include "measure/block_watch.h"
#include "measure/pacing.h"
#include "measure/timed_work.h"

namespace tickmlp::bench {

inline constexpr double kMostLoad = 0.9;  // of the capacity; above it queues grow beyond what a finite run can show
inline constexpr double kLeastPerSecond = 1e3, kMostPerSecond = 1e6;  // rates that `certify` offers

struct ResponsePlan {
  Arrivals arrivals;
  double per_second;
  std::uint64_t samples;  // planned arrivals, at least 1
  std::uint64_t seed;     // of Poisson arrivals: another one for each block
};

struct Response {
  double capacity_per_s = 0;  // see measure_capacity()
  double offered_per_s = 0;   // of the plan as it was drawn; 0 when nothing was run
  double achieved_per_s = 0;  // calls over the time until the last one was done
  std::uint64_t late_after_ns = 0, planned_misses = 0, largest_lateness_ns = 0;
  double mean_lateness_ns = 0;  // the mean wait in the queue
  bool saturated = false;       // above kMostLoad x capacity (nothing was run), or the queue never drained (nothing
                                // was recorded): there are no percentiles
  bool complete = false;        // false: interrupted, or a call failed
  CallCounts calls;
};

// Calls a second, back to back: 1 / mean time from call to call, with preparation, clock and recording in it, since a
// late call pays for all of them. Median of nine stretches, so that one interruption does not halve it; 1,024 calls
// each, fewer where that would take more than 10 ms. 0 when it was interrupted or a call stopped it; *counts has the
// status of that call.
template <class Work>
double measure_capacity(const tickmlp_clock& clock, OnError on_error, Work* work, CallCounts* counts);

// One block: capacity, then the paced calls, response times added to *recorder. Work is FullWork or TickWork. Allocates
// the plan (8 bytes a sample) before the first call, nothing in the loop. The same core throughout. `watch`, where
// there is one, sees the paced calls as one chunk.
template <class Work>
Response measure_response(const tickmlp_clock& clock, const ResponsePlan& plan, Work* work, tickmlp_recorder* recorder,
                          BlockWatch* watch = nullptr);

}  // namespace tickmlp::bench
#endif
