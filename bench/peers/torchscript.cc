// SPDX-License-Identifier: Apache-2.0
// Peer torchscript: LibTorch from C++, one thread, inference mode, input tensors made once and the state copied in.
//   torchscript            the archive as exported, loaded and run: what a user gets who follows the tutorial
//   torchscript-optimized  the same after freeze and optimize_for_inference, the documented way to make it fast
//   torchscript-fused      the graph fused by hand, after the same two
#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>
#include <unistd.h>

#include "peer.h"

namespace tickmlp::bench {
namespace {

class TorchRunner : public Runner {
 public:
  TorchRunner(const std::string& path, const std::vector<std::uint32_t>& parts, bool optimize)
      : module_(torch::jit::load(path)) {
    const c10::InferenceMode inference;
    module_.eval();
    if (optimize) module_ = torch::jit::optimize_for_inference(module_);  // freezes first
    for (const std::uint32_t width : parts) {
      const at::Tensor input = torch::zeros({1, static_cast<std::int64_t>(width)});
      data_.push_back({input.data_ptr<float>(), width});
      inputs_.emplace_back(input);
    }
  }
  void infer(const float* state, float* output) override {
    const c10::InferenceMode inference;
    for (const auto& [data, width] : data_) {
      std::copy_n(state, width, data);
      state += width;
    }
    const c10::IValue result = module_.forward(inputs_);
    for (const c10::IValue& part : result.toTupleRef().elements()) {
      const at::Tensor tensor = part.toTensor().contiguous();
      output = std::copy_n(tensor.data_ptr<float>(), tensor.numel(), output);
    }
  }

 private:
  torch::jit::Module module_;
  std::vector<c10::IValue> inputs_;
  std::vector<std::pair<float*, std::uint32_t>> data_;
};

}  // namespace

void add_torchscript(const Network& network, Field* field) {
  if (access((network.folder + "/fused.pt").c_str(), R_OK) != 0) {
    field->skipped.push_back(
        {"torchscript", "no TorchScript archives in " + network.folder + "; python3-torch makes them"});
    return;
  }
  at::set_num_threads(1);
  const std::string exported = network.folder + "/exported.pt", fused = network.folder + "/fused.pt";
  const auto add = [&](const char* system, std::unique_ptr<TorchRunner> runner) {
    field->add(system, TORCH_VERSION, "float32", std::move(runner));
  };
  add("torchscript", std::make_unique<TorchRunner>(exported, network.parts, false));
  add("torchscript-optimized", std::make_unique<TorchRunner>(exported, network.parts, true));
  add("torchscript-fused", std::make_unique<TorchRunner>(fused, std::vector{network.inputs}, true));
}

}  // namespace tickmlp::bench
