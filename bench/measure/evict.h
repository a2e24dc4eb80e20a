// SPDX-License-Identifier: Apache-2.0
// Taking a model out of the caches before a timed call.
#ifndef TICKMLP_BENCH_EVICT_H_
#define TICKMLP_BENCH_EVICT_H_
#include <cstddef>
#include <string>
#include <vector>

#include "measure/scenario.h"
#include "tickmlp.h"

namespace tickmlp::bench {

// Two ways, neither of them perfect. Central ns of tactical int8 in one run (Zen 4, 32 MiB L3, virtual), full and tick:
// - kFlush, by address: the whole blob (weights, scales, start vectors), every block that the library allocated
//   (handles, session, window: rows, kept sums, scratch) and the program's own code and data. 4,640 and 1,440. Exact
//   and repeatable, and 16 us each, so that there are samples for p99.9; but address translations, branch history and
//   the C library's memcpy stay. kFlushData leaves the code too: 4,230 and 1,260.
// - kWalk, by reading a buffer of twice the last-level cache: takes the translations and their tables as well, 7,860
//   and 5,200. But it takes 10 to 30 ms, and where a cache is shared or hashed nobody can say that the last line went.
// "evicted" is the flush, since it is known what it takes away; the walk is there beside it. Flushing needs x86;
// elsewhere the buffer is walked.
class Evictor {
 public:
  Evictor(const tickmlp_model_info& model, Eviction wanted);
  void operator()() const;
  Eviction way() const { return way_; }

 private:
  struct Range {
    const char *begin, *end;
  };
  Eviction way_;
  std::vector<Range> ranges_;
  std::vector<char> buffer_;
};

}  // namespace tickmlp::bench
#endif
