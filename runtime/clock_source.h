// SPDX-License-Identifier: Apache-2.0
// Where the calibration reads the counter and the time: the real ones, or a test's.
#ifndef TICKMLP_RUNTIME_CLOCK_SOURCE_H_
#define TICKMLP_RUNTIME_CLOCK_SOURCE_H_

#include "tickmlp.h"

namespace tickmlp {

struct ClockSource {
  uint64_t (*ticks)(void* context);        // the CPU's counter
  uint64_t (*nanoseconds)(void* context);  // the operating system's steady clock
  void* context;
  double known_ns_per_tick;  // what the hardware declares; 0: measure it
  bool invariant;            // what the hardware promises
};

// Errors: TICKMLP_BAD_ARGUMENT when the counter goes backwards, stands still, or its rate is not believable.
tickmlp_status calibrate_clock(const ClockSource& source, tickmlp_clock* out, tickmlp_error* error);

}  // namespace tickmlp
#endif
