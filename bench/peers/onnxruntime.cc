// SPDX-License-Identifier: Apache-2.0
// Peer onnxruntime: its C interface, from the library in the npm package onnxruntime-node. One thread each way, all
// graph optimisations, and inputs and outputs bound once (I/O binding), which its performance guide asks for; the state
// is copied into the bound input. Three graphs: as exported, fused by hand, fused with int8 weights.
// Tried and no faster: session.disable_prepacking, which lets a matrix of one row take the plain vector kernel.
#include <dlfcn.h>
#include <unistd.h>

#include <cstring>

#include "cli.h"
#include "finish.h"
#include "onnxruntime_api.h"
#include "peer.h"

namespace tickmlp::bench {
namespace {

// Never unloaded: its thread-local state outlives the runners.
struct Library {
  const OrtApi* api = nullptr;
  OrtEnv* environment = nullptr;
  std::string version;

  void check(OrtStatus* status) const {
    if (status == nullptr) return;
    const std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    refuse("onnxruntime: " + message);
  }
};

// nullptr with a reason in *why.
const Library* open_library(const std::string& path, std::string* why) {
  static Library library;
  if (library.environment != nullptr) return &library;
  if (path.empty()) {
    *why = "no libonnxruntime given; it comes with the npm package onnxruntime-node";
    return nullptr;
  }
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    *why = printable(dlerror());
    return nullptr;
  }
  const auto base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
  library.api = base == nullptr ? nullptr : base()->GetApi(kOrtApiVersion);
  if (library.api == nullptr) {
    *why = printable(path) + " has no C interface of version " + std::to_string(kOrtApiVersion);
    return nullptr;
  }
  library.version = base()->GetVersionString();
  library.check(library.api->CreateEnv(kOrtWarning, "compare_peers", &library.environment));
  return &library;
}

class OnnxRunner : public Runner {
 public:
  // Widths are in the graph's order; their sums are the network's inputs and outputs.
  struct Port {
    std::string name;
    std::int64_t width;
  };

  OnnxRunner(const Library& library, const std::string& path, const std::vector<Port>& inputs,
             const std::vector<Port>& outputs)
      : library_(library), api_(*library.api), input_(total(inputs)), output_(total(outputs)) {
    OrtSessionOptions* options = nullptr;
    library_.check(api_.CreateSessionOptions(&options));
    library_.check(api_.SetIntraOpNumThreads(options, 1));
    library_.check(api_.SetInterOpNumThreads(options, 1));
    library_.check(api_.SetSessionGraphOptimizationLevel(options, kOrtEnableAll));
    library_.check(api_.CreateSession(library_.environment, path.c_str(), options, &session_));
    api_.ReleaseSessionOptions(options);
    library_.check(api_.CreateIoBinding(session_, &binding_));
    bind(inputs, input_.data(), api_.BindInput);
    bind(outputs, output_.data(), api_.BindOutput);
    input_bytes_ = static_cast<std::size_t>(total(inputs)) * sizeof(float);
    output_bytes_ = static_cast<std::size_t>(total(outputs)) * sizeof(float);
  }
  ~OnnxRunner() override {
    api_.ReleaseIoBinding(binding_);
    for (OrtValue* value : values_) api_.ReleaseValue(value);
    api_.ReleaseSession(session_);
  }
  OnnxRunner(const OnnxRunner&) = delete;
  OnnxRunner& operator=(const OnnxRunner&) = delete;

  void infer(const float* state, float* output) override {
    std::memcpy(input_.data(), state, input_bytes_);
    library_.check(api_.RunWithBinding(session_, nullptr, binding_));
    std::memcpy(output, output_.data(), output_bytes_);
  }

 private:
  static std::size_t total(const std::vector<Port>& ports) {
    std::size_t sum = 0;
    for (const Port& port : ports) sum += static_cast<std::size_t>(port.width);
    return sum;
  }
  void bind(const std::vector<Port>& ports, float* data,
            OrtStatus* (*bind_one)(OrtIoBinding*, const char*, const OrtValue*)) {
    OrtMemoryInfo* memory = nullptr;
    library_.check(api_.CreateCpuMemoryInfo(kOrtDeviceAllocator, kOrtDefaultMemory, &memory));
    for (const Port& port : ports) {
      const std::int64_t shape[] = {1, port.width};
      const std::size_t bytes = static_cast<std::size_t>(port.width) * sizeof(float);
      values_.push_back(nullptr);
      library_.check(api_.CreateTensorWithDataAsOrtValue(memory, data, bytes, shape, 2, kOrtFloat, &values_.back()));
      library_.check(bind_one(binding_, port.name.c_str(), values_.back()));
      data += port.width;
    }
    api_.ReleaseMemoryInfo(memory);
  }

  const Library& library_;
  const OrtApi& api_;
  AlignedFloats input_, output_;
  std::size_t input_bytes_ = 0, output_bytes_ = 0;
  OrtSession* session_ = nullptr;
  OrtIoBinding* binding_ = nullptr;
  std::vector<OrtValue*> values_;
};

}  // namespace

void add_onnxruntime(const Network& network, const PeerFiles& files, Field* field) {
  std::string why;
  const Library* library = open_library(files.onnxruntime, &why);
  if (library != nullptr && access((network.folder + "/fused.onnx").c_str(), R_OK) != 0)
    why = "no ONNX graphs in " + printable(network.folder) + "; python3-onnx makes them";
  if (!why.empty()) {
    field->skipped.push_back({"onnxruntime", why});
    return;
  }
  std::vector<OnnxRunner::Port> parts, heads;
  for (std::size_t i = 0; i < network.parts.size(); ++i) parts.push_back({"x" + std::to_string(i), network.parts[i]});
  for (const NetworkHead& head : network.heads) heads.push_back({head.name, head.outputs});
  const std::vector<OnnxRunner::Port> whole = {{"x", network.inputs}};
  const std::vector<OnnxRunner::Port> fused = {{"probabilities", network.outputs - 1}, {"value", 1}};
  const auto add = [&](const char* system, const char* dtype, const char* graph, const auto& in, const auto& out) {
    field->add(system, library->version, dtype,
               std::make_unique<OnnxRunner>(*library, network.folder + "/" + graph, in, out));
  };
  add("onnxruntime", "float32", "exported.onnx", parts, heads);
  add("onnxruntime-fused", "float32", "fused.onnx", whole, fused);
  add("onnxruntime-fused", "int8", "fused-int8.onnx", whole, fused);
}

}  // namespace tickmlp::bench
