// SPDX-License-Identifier: Apache-2.0
#include "growth/hot_model.h"

#include "growth/hot_timing.h"

namespace tickmlp::bench {
namespace {

constexpr float kInput = 0.25f;  // inside the synthetic models' range of [-1, 1]

}  // namespace

Dimensions dimensions_of(const Shape& shape) {
  return {shape.type, shape.inputs, std::vector<HeadSize>(shape.heads, {shape.hidden, shape.outputs}),
          shape.window_columns, shape.kept_inputs()};
}

Dimensions dimensions_of(const Model& model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  Dimensions dimensions{info.type, info.inputs, {}, info.window_columns, info.kept_inputs};
  for (std::uint32_t h = 0; h < info.heads; ++h) {
    tickmlp_head_info head{};
    tickmlp_model_head(model.get(), h, &head);
    dimensions.heads.push_back({head.hidden, head.outputs});
  }
  return dimensions;
}

HotModel::HotModel(const Shape& shape, const std::string& kernel)
    : model_(load_model_bytes(synthetic_blob(shape), kernel)),
      session_(open_session(model_)),
      window_(shape.window_columns != 0 ? open_window(model_) : nullptr),
      input_(shape.inputs, kInput),
      output_(info().outputs) {
  if (window_ != nullptr) tickmlp_window_reset(window_.get(), input_.data(), input_.size());
}

double HotModel::time_full(const tickmlp_clock& clock, double seconds) {
  return central_of_block(clock, seconds, [&] {
    tickmlp_infer(session_.get(), input_.data(), input_.size(), output_.data(), output_.size());
  });
}

double HotModel::time_tick(const tickmlp_clock& clock, double seconds) {
  const std::uint32_t columns = info().window_columns;
  const float* row = input_.data() + input_.size() - columns;
  return central_of_block(clock, seconds,
                          [&] { tickmlp_window_tick(window_.get(), row, columns, output_.data(), output_.size()); });
}

}  // namespace tickmlp::bench
