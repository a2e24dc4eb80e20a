// SPDX-License-Identifier: Apache-2.0
#include "measure/block_watch.h"

namespace tickmlp::bench {

void BlockWatch::begin_chunk() { reader_->events.read(&reader_->before); }

void BlockWatch::end_chunk() {
  const CoreSnapshot &before = reader_->before, &after = reader_->after;
  reader_->events.read(&reader_->after);
  page_faults += after.minor_faults - before.minor_faults + after.major_faults - before.major_faults;
  involuntary_switches += after.involuntary_switches - before.involuntary_switches;
  if (worst->chunk_open()) worst->close_chunk(run_, cause(reader_->events.between(before, after)));
}

}  // namespace tickmlp::bench
