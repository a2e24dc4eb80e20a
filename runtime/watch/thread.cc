// SPDX-License-Identifier: Apache-2.0
// The watch's own thread.
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "error.h"
#include "watch/watch_state.h"

namespace tickmlp::watch {
namespace {

constexpr uint64_t kShortest = 1'000'000, kLongest = 3'600'000'000'000;

// Returns whether to look again.
bool wait_until(tickmlp_watch& watch, uint64_t moment_ns) {
  const timespec moment = {static_cast<time_t>(moment_ns / 1'000'000'000),
                           static_cast<long>(moment_ns % 1'000'000'000)};
  const Locked locked(&watch.state_lock);
  while (!watch.stop)
    if (pthread_cond_timedwait(&watch.wake, &watch.state_lock, &moment) == ETIMEDOUT) break;
  return !watch.stop;
}

void* run(void* argument) {
  auto& watch = *static_cast<tickmlp_watch*>(argument);
  uint64_t next = monotonic_ns();
  do {
    tickmlp_watch_poll(&watch, nullptr);
    const uint64_t now = monotonic_ns();
    next = next + watch.period_ns > now ? next + watch.period_ns : now;  // what a long look has missed is not made up
  } while (wait_until(watch, next));
  return nullptr;
}

// Ordinary scheduling also where the caller's thread has a real-time priority: a look must not take a core from it.
int make_thread(tickmlp_watch& watch) {
  sigset_t all;
  sigfillset(&all);
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  const sched_param ordinary = {};
  code = pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  if (code == 0) code = pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
  if (code == 0) code = pthread_attr_setschedparam(&attributes, &ordinary);
  if (code == 0) code = pthread_attr_setsigmask_np(&attributes, &all);
  if (code == 0) code = pthread_create(&watch.thread, &attributes, run, &watch);
  pthread_attr_destroy(&attributes);
  if (code == 0) pthread_setname_np(watch.thread, "tickmlp-watch");
  return code;
}

}  // namespace
}  // namespace tickmlp::watch

using namespace tickmlp;
using namespace tickmlp::watch;

extern "C" {

tickmlp_status tickmlp_watch_start(tickmlp_watch* watch, uint64_t period_ns, tickmlp_error* error) {
  if (watch == nullptr) return fail(error, TICKMLP_BAD_ARGUMENT, "watch is NULL; expected a watch");
  if (period_ns < kShortest || period_ns > kLongest)
    return fail(error, TICKMLP_BAD_ARGUMENT, "the period is %llu ns; expected %llu to %llu",
                static_cast<unsigned long long>(period_ns), static_cast<unsigned long long>(kShortest),
                static_cast<unsigned long long>(kLongest));
  const Locked locked(&watch->state_lock);
  if (watch->started)
    return fail(error, TICKMLP_BAD_ARGUMENT, "the watch has a thread already; expected one start a stop");
  watch->period_ns = period_ns;
  watch->stop = false;
  const int code = make_thread(*watch);
  if (code != 0)
    return fail(error, TICKMLP_WATCH_THREAD, "no thread for the watch could be made: %s", strerrordesc_np(code));
  watch->started = true;
  return TICKMLP_OK;
}

void tickmlp_watch_stop(tickmlp_watch* watch) {
  if (watch == nullptr) return;
  {
    const Locked locked(&watch->state_lock);
    if (!watch->started) return;
    watch->started = false;
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
  }
  pthread_join(watch->thread, nullptr);
}

}  // extern "C"
