// SPDX-License-Identifier: Apache-2.0
// Google Benchmark over the kernel table: every kernel that this CPU runs, on the bundled models' golden inputs.
// Throughput back to back, without the timer in the loop; `tickmlp certify` is for latencies.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "tickmlp.h"

namespace {

void run_kernel(benchmark::State& state, const std::string& path, const char* kernel) {
  const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
  tickmlp_model* model = nullptr;
  tickmlp_session* session = nullptr;
  tickmlp_error error;
  if (tickmlp_model_load(path.c_str(), &options, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, nullptr, &session, &error) != TICKMLP_OK) {
    state.SkipWithError(error.message);
    return;
  }
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const float *inputs, *golden;
  const uint32_t count = tickmlp_model_golden(model, &inputs, &golden);
  std::vector<float> output(info.outputs);
  uint32_t next = 0;
  for (auto _ : state) {
    if (tickmlp_infer(session, inputs + next * info.inputs, info.inputs, output.data(), info.outputs) != TICKMLP_OK) {
      state.SkipWithError("refused");
      break;
    }
    next = next + 1 == count ? 0 : next + 1;
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * info.weight_bytes));
  tickmlp_session_free(session);
  tickmlp_model_free(model);
}

// Batches of 64 states, the golden inputs over and over; time is of a state.
void run_batch(benchmark::State& state, const std::string& path, const char* kernel) {
  constexpr size_t kStates = 64;
  const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
  tickmlp_model* model = nullptr;
  tickmlp_session* session = nullptr;
  tickmlp_error error;
  if (tickmlp_model_load(path.c_str(), &options, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, nullptr, &session, &error) != TICKMLP_OK) {
    state.SkipWithError(error.message);
    return;
  }
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const float *golden, *expected;
  const uint32_t count = tickmlp_model_golden(model, &golden, &expected);
  std::vector<float> inputs(kStates * info.inputs), outputs(kStates * info.outputs);
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = golden[i % (count * info.inputs)];
  while (state.KeepRunningBatch(kStates)) {
    if (tickmlp_infer_batch(session, inputs.data(), kStates, outputs.data(), nullptr) != TICKMLP_OK) {
      state.SkipWithError("refused");
      break;
    }
    benchmark::ClobberMemory();
  }
  tickmlp_session_free(session);
  tickmlp_model_free(model);
}

// Open, check, digest, prove, copy, lock, golden vectors on the best kernel; and the release.
void load(benchmark::State& state, const std::string& path) {
  for (auto _ : state) {
    tickmlp_model* model = nullptr;
    tickmlp_error error;
    if (tickmlp_model_load(path.c_str(), nullptr, &model, &error) != TICKMLP_OK) {
      state.SkipWithError(error.message);
      break;
    }
    tickmlp_model_free(model);
  }
}

void register_all() {
  for (const char* model : {"tactical-int8", "tactical-float32", "strategic-int8", "strategic-float32"})
    benchmark::RegisterBenchmark((std::string("load/") + model).c_str(), load,
                                 std::string(TICKMLP_SOURCE_ROOT "/weights/") + model + ".blob")
        ->Unit(benchmark::kMicrosecond);
  for (const char* model : {"tactical", "strategic"})
    for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel;
      if (tickmlp_kernel_get(k, &kernel) != TICKMLP_OK || !kernel.available) continue;
      const std::string type = kernel.type == TICKMLP_INT8 ? "int8" : "float32";
      const std::string path = std::string(TICKMLP_SOURCE_ROOT "/weights/") + model + "-" + type + ".blob";
      benchmark::RegisterBenchmark((std::string(model) + "/" + kernel.name).c_str(), run_kernel, path, kernel.name);
      benchmark::RegisterBenchmark((std::string("batch-") + model + "/" + kernel.name).c_str(), run_batch, path,
                                   kernel.name);
    }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
