// SPDX-License-Identifier: Apache-2.0
#include "ours.h"

#include "cli.h"
#include "model.h"

namespace tickmlp::bench {
namespace {

void check(tickmlp_status status) {
  if (status != TICKMLP_OK) refuse(std::string("tickmlp: ") + tickmlp_status_name(status));
}

class FullRunner : public Runner {
 public:
  explicit FullRunner(std::shared_ptr<Model> model)
      : model_(std::move(model)), session_(open_session(*model_)), info_(*tickmlp_model_describe(model_->get())) {}
  void infer(const float* state, float* output) override {
    check(tickmlp_infer(session_.get(), state, info_.inputs, output, info_.outputs));
  }

 private:
  std::shared_ptr<Model> model_;
  Session session_;
  const tickmlp_model_info& info_;
};

// Ticks the newest row of each state over the older rows of the first.
class TickRunner : public Runner {
 public:
  TickRunner(std::shared_ptr<Model> model, const float* first_state)
      : model_(std::move(model)), window_(open_window(*model_)), info_(*tickmlp_model_describe(model_->get())) {
    check(tickmlp_window_reset(window_.get(), first_state, info_.inputs));
  }
  void infer(const float* state, float* output) override {
    const float* row = state + info_.inputs - info_.window_columns;
    check(tickmlp_window_tick(window_.get(), row, info_.window_columns, output, info_.outputs));
  }

 private:
  std::shared_ptr<Model> model_;
  Window window_;
  const tickmlp_model_info& info_;
};

}  // namespace

std::uint32_t window_columns(const std::string& blob) {
  return tickmlp_model_describe(load_model(blob, "").get())->window_columns;
}

void add_ours(const std::string& blob, const Network& network, const float* first_state, Field* field) {
  const auto model = std::make_shared<Model>(load_model(blob, ""));
  const tickmlp_model_info& info = *tickmlp_model_describe(model->get());
  if (info.inputs != network.inputs || info.outputs != network.outputs)
    refuse(printable(blob) + ": " + std::to_string(info.inputs) + " inputs and " + std::to_string(info.outputs) +
           " outputs, expected those of " + network.folder + ": " + std::to_string(network.inputs) + " and " +
           std::to_string(network.outputs));
  const std::string version = std::string(tickmlp_version()) + " " + info.kernel;
  const auto add = [&](const char* path, std::unique_ptr<Runner> runner) {
    field->entrants.push_back({"tickmlp", version, dtype_name(info.type), path, std::move(runner), true});
  };
  add("full", std::make_unique<FullRunner>(model));
  if (info.window_rows != 0) add("tick", std::make_unique<TickRunner>(model, first_state));
}

}  // namespace tickmlp::bench
