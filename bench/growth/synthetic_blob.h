// SPDX-License-Identifier: Apache-2.0
// Models of any size without a checkpoint, to measure how cost grows.
#ifndef TICKMLP_BENCH_SYNTHETIC_BLOB_H_
#define TICKMLP_BENCH_SYNTHETIC_BLOB_H_
#include <cstdint>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

struct Shape {
  tickmlp_element_type type = TICKMLP_INT8;
  std::uint32_t inputs = 0;
  std::uint32_t heads = 0, hidden = 0,
                outputs = 0;         // `heads` softmax heads, each of `hidden` units (a multiple of 16) to `outputs`
  std::uint32_t window_columns = 0;  // 0: no window; else it divides inputs
  // How many of eight neighbouring inputs no lane reads, the last of them; below 8, and where there are some, without a
  // window and enough that the blob's rule asks for pruning.
  std::uint32_t unread_of_eight = 0;

  std::uint32_t lanes() const { return heads * hidden; }
  bool is_read(std::uint32_t input) const { return input % 8 < 8 - unread_of_eight; }
  std::uint32_t kept_inputs() const {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < inputs; ++i) kept += is_read(i);
    return kept;
  }
};

// A whole valid blob, for tickmlp_model_load_bytes(). Layer-1 weights differ by input; layer 2 is zero, so that every
// golden output is 1 / outputs whatever layer 1 gives, and no kernel has to run to know it. Time depends on no value.
// The shape lies within the blob format's limits. Cost: the blob's bytes written once and digested once.
std::vector<std::uint8_t> synthetic_blob(const Shape& shape);

}  // namespace tickmlp::bench
#endif
