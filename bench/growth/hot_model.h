// SPDX-License-Identifier: Apache-2.0
// One synthetic model, loaded and ready to be called back to back.
#ifndef TICKMLP_BENCH_HOT_MODEL_H_
#define TICKMLP_BENCH_HOT_MODEL_H_
#include <string>
#include <vector>

#include "growth/cost_model.h"
#include "model.h"
#include "growth/synthetic_blob.h"

namespace tickmlp::bench {

Dimensions dimensions_of(const Shape& shape);
Dimensions dimensions_of(const Model& model);

// Not an object to copy: calls take pointers into it. One state, always the same: a caller's feature buffer, hot.
class HotModel {
 public:
  // An empty kernel name takes the best. Refuses what cannot be loaded.
  HotModel(const Shape& shape, const std::string& kernel);
  const tickmlp_model_info& info() const { return *tickmlp_model_describe(model_.get()); }

  // Central of one block of about `seconds`, the timer in it, ns; 0 when interrupted. A tick needs a window.
  double time_full(const tickmlp_clock& clock, double seconds);
  double time_tick(const tickmlp_clock& clock, double seconds);

 private:
  Model model_;
  Session session_;
  Window window_;
  std::vector<float> input_, output_;
};

}  // namespace tickmlp::bench
#endif
