// SPDX-License-Identifier: Apache-2.0
#include "measure/block_watch.h"

namespace tickmlp::bench {

void BlockWatch::begin_chunk() { getrusage(RUSAGE_THREAD, &before_); }

void BlockWatch::end_chunk() {
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  const long faults = after.ru_minflt - before_.ru_minflt + after.ru_majflt - before_.ru_majflt;
  page_faults += static_cast<std::uint64_t>(faults);
  involuntary_switches += static_cast<std::uint64_t>(after.ru_nivcsw - before_.ru_nivcsw);
  worst->close_chunk(run_, "");
}

}  // namespace tickmlp::bench
