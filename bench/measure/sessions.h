// SPDX-License-Identifier: Apache-2.0
// Several sessions of one model at once, each on a core of its own.
#ifndef TICKMLP_BENCH_SESSIONS_H_
#define TICKMLP_BENCH_SESSIONS_H_
#include <vector>

#include "measure/pacing.h"
#include "measure/timed_work.h"
#include "measure/worst.h"

namespace tickmlp::bench {

struct SessionsPlan {
  std::vector<int> cores;  // one session each, no core twice
  std::uint64_t samples;   // of each session
  std::uint64_t warm_up;   // untimed calls of each before all start together
  std::uint64_t run = 1;   // re-run, which the slowest calls are noted with
  bool tick = false;       // each session's own window, with the first state in it
};

struct SessionOnCore {
  int core = -1;
  tickmlp_recorder recorder;                                // service times, hot, while all the others were calling too
  CallCounts calls;                                         // the timed ones
  WorstSamples worst;                                       // its slowest, with what happened to its own core
  std::uint64_t page_faults = 0, involuntary_switches = 0;  // of this thread, in the timed chunks
};

struct SessionsResult {
  std::vector<SessionOnCore> sessions;  // in the order of plan.cores
  bool complete = false;                // false: interrupted, or a call failed (its session's first_error has why)
};

// A thread for each core: pins itself, opens its own session of `model` (and window), warms up, waits for the others,
// then calls tickmlp_infer() or tickmlp_window_tick() back to back on the subject's states. Who is done first goes on
// calling, untimed, until the last one is, so that nobody's last calls have the caches and the memory to themselves.
// Every kChunk calls it reads what happened to its core, untimed, as the hot scenario does. Weights are shared, as in a
// process with several sessions. The calling thread sleeps meanwhile: it may be pinned to one of the cores.
// Load time; the loops allocate nothing. Refuses (exit 4) by name: pin-failed, a core given twice, a thread that cannot
// start, a session that cannot be made. Subject's session and window are not used.
SessionsResult measure_sessions(const Model& model, const Subject& subject, const SessionsPlan& plan);

}  // namespace tickmlp::bench
#endif
