// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_watch.
#pragma once

#include <pthread.h>

#include "watch/policy.h"

namespace tickmlp::watch {

// What the last look that came as far as `current` decided about it, so that it is not decided again.
struct Decision {
  bool made;  // false: look again, whether or not anything changed
  Current current;
  Stamp blob, signature;  // as they stood before they were read
  tickmlp_watch_report report;
};

class Locked {
 public:
  explicit Locked(pthread_mutex_t* lock) : lock_(lock) { pthread_mutex_lock(lock_); }
  ~Locked() { pthread_mutex_unlock(lock_); }
  Locked(const Locked&) = delete;

 private:
  pthread_mutex_t* lock_;
};

}  // namespace tickmlp::watch

// One block from the host's allocator, the path behind it.
struct tickmlp_watch {
  tickmlp::watch::Policy policy;
  tickmlp_swap* swap;
  void (*on_report)(void* context, const tickmlp_watch_report* report);
  void* context;
  const char* path;

  pthread_mutex_t look_lock;  // held during a look; guards these two
  tickmlp::watch::Folder folder;
  tickmlp::watch::Decision decision;

  mutable pthread_mutex_t state_lock;  // held for moments; guards the rest
  tickmlp_watch_report last;
  pthread_cond_t wake;
  pthread_t thread;
  uint64_t period_ns;
  bool started, stop;
};
