// SPDX-License-Identifier: Apache-2.0
// Peer eigen: one matrix-vector product for layer 1, one for each head. Eigen picks its vector width at compile time,
// so -march=native; EIGEN_NO_DEBUG drops its assertions, EIGEN_DONT_PARALLELIZE its threads, noalias() a temporary.
#define EIGEN_NO_DEBUG
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "peer.h"

namespace tickmlp::bench {
namespace {

class EigenRunner : public Runner {
 public:
  explicit EigenRunner(const Network& network)
      : w1_(Eigen::Map<const Eigen::MatrixXf>(network.w1.data(), network.lanes, network.inputs)),
        start_(Eigen::Map<const Eigen::VectorXf>(network.start.data(), network.lanes)),
        hidden_(network.lanes),
        high_(network.clamp_high),
        heads_(network.heads) {
    const Eigen::Map<const Eigen::MatrixXf> w2(network.w2.data(), network.outputs, network.lanes);
    const Eigen::Map<const Eigen::VectorXf> start2(network.start2.data(), network.outputs);
    for (const NetworkHead& head : heads_) {
      w2_.push_back(w2.block(head.output_begin, head.lane_begin, head.outputs, head.hidden));
      start2_.push_back(start2.segment(head.output_begin, head.outputs));
    }
  }
  void infer(const float* state, float* output) override {
    const Eigen::Map<const Eigen::VectorXf> x(state, w1_.cols());
    hidden_ = start_;
    hidden_.noalias() += w1_ * x;
    hidden_ = hidden_.cwiseMax(0.0f).cwiseMin(high_);
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      const NetworkHead& head = heads_[i];
      Eigen::Map<Eigen::VectorXf> out(output + head.output_begin, head.outputs);
      out = start2_[i];
      out.noalias() += w2_[i] * hidden_.segment(head.lane_begin, head.hidden);
      if (!head.softmax) continue;
      out = (out.array() - out.maxCoeff()).exp();
      out /= out.sum();
    }
  }

 private:
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::MatrixXf w1_;  // [lanes][inputs] by columns: the rows of ours
  Eigen::VectorXf start_, hidden_;
  float high_;
  std::vector<NetworkHead> heads_;
  std::vector<RowMajor> w2_;
  std::vector<Eigen::VectorXf> start2_;
};

#define TICKMLP_TEXT(x) #x
#define TICKMLP_VERSION_TEXT(a, b, c) TICKMLP_TEXT(a) "." TICKMLP_TEXT(b) "." TICKMLP_TEXT(c)

}  // namespace

void add_eigen(const Network& network, Field* field) {
  field->add("eigen", TICKMLP_VERSION_TEXT(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION), "float32",
             std::make_unique<EigenRunner>(network));
}

}  // namespace tickmlp::bench
