// SPDX-License-Identifier: Apache-2.0
// Peer libxsmm: a kernel made at run time for exactly this shape (lanes x 1 x inputs), which is what libxsmm is for.
// beta = 1, so that the product continues from the start vector. It has neither clamp nor softmax for float32 vectors:
// plain loops.
#include <libxsmm.h>

#include <cstring>

#include "finish.h"
#include "peer.h"

namespace tickmlp::bench {
namespace {

class XsmmRunner : public Runner {
 public:
  XsmmRunner(const Network& network, libxsmm_smmfunction kernel)
      : kernel_(kernel),
        lanes_(network.lanes),
        high_(network.clamp_high),
        w1_(network.w1),
        start_(network.start),
        hidden_(network.lanes),
        finish_(network) {}
  void infer(const float* state, float* output) override {
    std::memcpy(hidden_.data(), start_.data(), lanes_ * sizeof(float));
    kernel_(w1_.data(), state, hidden_.data());
    plain_clamp(hidden_.data(), lanes_, high_);
    finish_.run(hidden_.data(), output);
  }

 private:
  libxsmm_smmfunction kernel_;
  std::size_t lanes_;
  float high_;
  AlignedFloats w1_, start_, hidden_;
  Finish finish_;
};

}  // namespace

void add_libxsmm(const Network& network, Field* field) {
  libxsmm_init();
  const auto lanes = static_cast<libxsmm_blasint>(network.lanes), inputs = static_cast<libxsmm_blasint>(network.inputs);
  const float alpha = 1, beta = 1;
  const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  const libxsmm_smmfunction kernel =
      libxsmm_smmdispatch(lanes, 1, inputs, &lanes, &inputs, &lanes, &alpha, &beta, &flags, &prefetch);
  if (kernel == nullptr) {
    field->skipped.push_back({"libxsmm", "it makes no float32 kernel for this shape and CPU"});
    return;
  }
  field->add("libxsmm", LIBXSMM_CONFIG_VERSION, "float32", std::make_unique<XsmmRunner>(network, kernel));
}

}  // namespace tickmlp::bench
