// SPDX-License-Identifier: Apache-2.0
#include "serve/repository/served.h"

#include "serve/json_text.h"

namespace tickmlp::serve {

Shape shape_of(const tickmlp_model* model) {
  const tickmlp_model_info* info = tickmlp_model_describe(model);
  Shape shape{info->inputs, info->outputs, info->window_rows, info->window_columns, {}};
  for (std::uint32_t i = 0; i < info->heads; ++i) {
    tickmlp_head_info head;
    tickmlp_model_head(model, i, &head);
    shape.heads.push_back(
        {head.name, json_text(head.name), head.outputs, head.output_begin, head.activation == TICKMLP_SOFTMAX});
  }
  return shape;
}

std::shared_ptr<Slot> Slot::make(Model model, std::string* error) {
  tickmlp_swap* swap = nullptr;
  tickmlp_error reason{};
  if (tickmlp_swap_create(model.get(), nullptr, &swap, &reason) != TICKMLP_OK) {
    *error = reason.message;
    return nullptr;
  }
  (void)model.release();  // the slot's now
  return std::shared_ptr<Slot>(new Slot(swap));
}

Slot::~Slot() { tickmlp_swap_free(swap_); }

tickmlp_swap_state Slot::state() const {
  tickmlp_swap_state state{};
  tickmlp_swap_status(swap_, &state);
  return state;
}

}  // namespace tickmlp::serve
