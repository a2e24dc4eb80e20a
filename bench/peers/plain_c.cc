// SPDX-License-Identifier: Apache-2.0
// Peer plain-c: what a C compiler makes of loops. -O3 -march=native -ffast-math (sums may be reordered and contracted,
// expf need not set errno); see plain.c.
#include "finish.h"
#include "peer.h"

namespace tickmlp::bench {
namespace {

class PlainRunner : public Runner {
 public:
  explicit PlainRunner(const Network& network)
      : inputs_(network.inputs),
        lanes_(network.lanes),
        high_(network.clamp_high),
        w1_(network.w1),
        start_(network.start),
        hidden_(network.lanes),
        finish_(network) {}
  void infer(const float* state, float* output) override {
    plain_layer1(state, w1_.data(), start_.data(), inputs_, lanes_, high_, hidden_.data());
    finish_.run(hidden_.data(), output);
  }

 private:
  std::size_t inputs_, lanes_;
  float high_;
  AlignedFloats w1_, start_, hidden_;
  Finish finish_;
};

}  // namespace

void add_plain_c(const Network& network, Field* field) {
#ifdef __clang__
  const char* const compiler = __VERSION__;
#else
  const char* const compiler = "GCC " __VERSION__;
#endif
  field->add("plain-c", compiler, "float32", std::make_unique<PlainRunner>(network));
}

}  // namespace tickmlp::bench
