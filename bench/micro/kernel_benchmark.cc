// SPDX-License-Identifier: Apache-2.0
// Google Benchmark over the kernel table: every kernel that this CPU runs, on the bundled models' golden inputs:
// MODEL/KERNEL is the full path, MODEL-tick/KERNEL and MODEL-advance/KERNEL the two halves of the tick path.
// Throughput back to back, without the timer in the loop; `tickmlp certify` is for latencies.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "micro/benchmark_models.h"

namespace {

using namespace tickmlp::bench;

// Calls `call(state)` over the golden inputs in turn.
template <class Call>
void over_states(benchmark::State& state, const Loaded& loaded, Call&& call) {
  uint32_t next = 0;
  for (auto _ : state) {
    if (call(loaded.inputs + next * loaded.info->inputs) != TICKMLP_OK) {
      state.SkipWithError("refused");
      break;
    }
    next = next + 1 == loaded.states ? 0 : next + 1;
    benchmark::ClobberMemory();
  }
}

void full_path(benchmark::State& state, const std::string& path, const char* kernel) {
  Loaded loaded(path, kernel);
  tickmlp_session* made = nullptr;
  if (!loaded.model || tickmlp_session_create(loaded.model.get(), nullptr, &made, &loaded.error) != TICKMLP_OK)
    return state.SkipWithError(loaded.error.message);
  const Owned<tickmlp_session> session(made);
  over_states(state, loaded, [&](const float* input) {
    return tickmlp_infer(made, input, loaded.info->inputs, loaded.output.data(), loaded.info->outputs);
  });
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * loaded.info->weight_bytes));
}

// tick: the newest rows of the golden inputs in turn, over the first one's older rows. advance: a bar closes each time.
template <bool kTick>
void window_path(benchmark::State& state, const std::string& path, const char* kernel) {
  Loaded loaded(path, kernel);
  tickmlp_window* made = nullptr;
  if (!loaded.model || tickmlp_window_create(loaded.model.get(), nullptr, &made, &loaded.error) != TICKMLP_OK)
    return state.SkipWithError(loaded.error.message);
  const Owned<tickmlp_window> window(made);
  const size_t inputs = loaded.info->inputs, columns = loaded.info->window_columns;
  if (tickmlp_window_reset(made, loaded.inputs, inputs) != TICKMLP_OK) return state.SkipWithError("reset is refused");
  over_states(state, loaded, [&](const float* input) {
    if (!kTick) return tickmlp_window_advance(made);
    return tickmlp_window_tick(made, input + inputs - columns, columns, loaded.output.data(), loaded.output.size());
  });
}

// Batches of 64 states, the golden inputs over and over; time is of a state.
void batch_path(benchmark::State& state, const std::string& path, const char* kernel) {
  constexpr size_t kStates = 64;
  Loaded loaded(path, kernel);
  tickmlp_session* made = nullptr;
  if (!loaded.model || tickmlp_session_create(loaded.model.get(), nullptr, &made, &loaded.error) != TICKMLP_OK)
    return state.SkipWithError(loaded.error.message);
  const Owned<tickmlp_session> session(made);
  const size_t inputs = loaded.info->inputs;
  std::vector<float> input(kStates * inputs), output(kStates * loaded.info->outputs);
  for (size_t i = 0; i < input.size(); ++i) input[i] = loaded.inputs[i % (loaded.states * inputs)];
  while (state.KeepRunningBatch(kStates)) {
    if (tickmlp_infer_batch(made, input.data(), kStates, output.data(), nullptr) != TICKMLP_OK)
      return state.SkipWithError("refused");
    benchmark::ClobberMemory();
  }
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
      const std::string name = std::string("/") + kernel.name;
      benchmark::RegisterBenchmark((model + name).c_str(), full_path, path, kernel.name);
      benchmark::RegisterBenchmark((std::string("batch-") + model + name).c_str(), batch_path, path, kernel.name);
      if (std::string(model) != "tactical") continue;  // the one with a window
      benchmark::RegisterBenchmark((model + ("-tick" + name)).c_str(), window_path<true>, path, kernel.name);
      benchmark::RegisterBenchmark((model + ("-advance" + name)).c_str(), window_path<false>, path, kernel.name);
    }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  register_updates();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
