// SPDX-License-Identifier: Apache-2.0
// Counters that one thread writes and any thread may read: relaxed, so plain moves, and no lock prefix.
#pragma once

#include "tickmlp.h"

namespace tickmlp {

inline uint64_t load(const uint64_t& counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }
inline void store(uint64_t& counter, uint64_t value) { __atomic_store_n(&counter, value, __ATOMIC_RELAXED); }
inline void add(uint64_t& counter, uint64_t more) { store(counter, load(counter) + more); }

inline tickmlp_counters load(const tickmlp_counters& counters) {
  return {load(counters.inferences), load(counters.refused), load(counters.clipped), load(counters.flushed)};
}
inline tickmlp_team_counters load(const tickmlp_team_counters& c) {
  return {load(c.inferences), load(c.refused), load(c.clipped), load(c.flushed),
          load(c.alone),      load(c.late),    load(c.rejoined)};
}

}  // namespace tickmlp
