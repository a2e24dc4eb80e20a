// SPDX-License-Identifier: Apache-2.0
// Layer 2 and softmax in plain loops, with each head's weights together: 0.7 % of the work.
#ifndef TICKMLP_BENCH_PEERS_FINISH_H_
#define TICKMLP_BENCH_PEERS_FINISH_H_
#include <cstdlib>
#include <memory>
#include <vector>

#include "network.h"
#include "plain.h"

namespace tickmlp::bench {

// Zeroed floats on a cache line of their own.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t count)
      : memory_(static_cast<float*>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64)), &std::free) {
    if (!memory_) std::abort();  // out of memory at the start of a benchmark
    for (std::size_t i = 0; i < count; ++i) memory_.get()[i] = 0;
  }
  explicit AlignedFloats(const std::vector<float>& values) : AlignedFloats(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) memory_.get()[i] = values[i];
  }
  float* data() const { return memory_.get(); }

 private:
  std::unique_ptr<float, decltype(&std::free)> memory_;
};

class Finish {
 public:
  explicit Finish(const Network& network)
      : heads_(network.heads), w2_(network.lanes * network.outputs), start2_(network.start2) {
    std::size_t place = 0;
    for (const NetworkHead& head : heads_)
      for (std::uint32_t o = 0; o < head.outputs; ++o)
        for (std::uint32_t i = 0; i < head.hidden; ++i)
          w2_.data()[place++] = network.w2[(head.lane_begin + i) * network.outputs + head.output_begin + o];
  }
  void run(const float* hidden, float* output) const {
    const float* w2 = w2_.data();
    for (const NetworkHead& head : heads_) {
      plain_layer2(hidden + head.lane_begin, w2, start2_.data() + head.output_begin, head.hidden, head.outputs,
                   head.softmax, output + head.output_begin);
      w2 += head.hidden * head.outputs;
    }
  }

 private:
  std::vector<NetworkHead> heads_;
  AlignedFloats w2_, start2_;
};

}  // namespace tickmlp::bench
#endif
