// SPDX-License-Identifier: Apache-2.0
// Google Benchmark over the kernel table: every kernel that this CPU runs, on the bundled models' golden inputs.
// Throughput back to back, without the timer in the loop; `tickmlp certify` is for latencies.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace {

constexpr uint32_t kLists = 256;

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

// Sparse updates of `changes` random inputs to random values, 256 lists in turn; `update/.../window` is the tick path's
// seven neighbours through the same call. To be read beside the full path and the tick of the same run.
struct Lists {
  std::vector<uint32_t> indices;
  std::vector<float> values;
};

Lists random_lists(uint32_t inputs, uint32_t changes, bool newest_row) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  Lists lists;
  std::vector<uint32_t> every(inputs);
  for (uint32_t i = 0; i < inputs; ++i) every[i] = i;
  for (uint32_t list = 0; list < kLists; ++list) {
    std::shuffle(every.begin(), every.end(), random);
    for (uint32_t k = 0; k < changes; ++k) {
      lists.indices.push_back(newest_row ? inputs - changes + k : every[k]);
      lists.values.push_back(unit(random));
    }
  }
  return lists;
}

void update(benchmark::State& state, const char* kernel, uint32_t changes, bool newest_row) {
  const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
  tickmlp_model* model = nullptr;
  tickmlp_sparse* sparse = nullptr;
  tickmlp_error error;
  if (tickmlp_model_load(TICKMLP_SOURCE_ROOT "/weights/tactical-int8.blob", &options, &model, &error) != TICKMLP_OK ||
      tickmlp_sparse_create(model, nullptr, &sparse, &error) != TICKMLP_OK) {
    state.SkipWithError(error.message);
    return;
  }
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const float *inputs, *golden;
  tickmlp_model_golden(model, &inputs, &golden);
  const Lists lists = random_lists(info.inputs, changes, newest_row);
  std::vector<float> output(info.outputs);
  bool good = tickmlp_sparse_reset(sparse, inputs, info.inputs) == TICKMLP_OK;
  uint32_t next = 0;
  for (auto _ : state) {
    const size_t at = size_t{next} * changes;
    good &= tickmlp_sparse_update(sparse, lists.indices.data() + at, lists.values.data() + at, changes, output.data(),
                                  info.outputs) == TICKMLP_OK;
    next = next + 1 == kLists ? 0 : next + 1;
    benchmark::ClobberMemory();
  }
  if (!good) state.SkipWithError("refused");
  tickmlp_sparse_free(sparse);
  tickmlp_model_free(model);
}

// The tick path with rows of the golden inputs.
void tick(benchmark::State& state, const char* kernel) {
  const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
  tickmlp_model* model = nullptr;
  tickmlp_window* window = nullptr;
  tickmlp_error error;
  if (tickmlp_model_load(TICKMLP_SOURCE_ROOT "/weights/tactical-int8.blob", &options, &model, &error) != TICKMLP_OK ||
      tickmlp_window_create(model, nullptr, &window, &error) != TICKMLP_OK) {
    state.SkipWithError(error.message);
    return;
  }
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  const float *inputs, *golden;
  tickmlp_model_golden(model, &inputs, &golden);
  std::vector<float> output(info.outputs);
  bool good = tickmlp_window_reset(window, inputs, info.inputs) == TICKMLP_OK;
  uint32_t next = 0;
  for (auto _ : state) {
    good &= tickmlp_window_tick(window, inputs + size_t{next} * info.window_columns, info.window_columns, output.data(),
                                info.outputs) == TICKMLP_OK;
    next = next + 1 == info.window_rows ? 0 : next + 1;
    benchmark::ClobberMemory();
  }
  if (!good) state.SkipWithError("refused");
  tickmlp_window_free(window);
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
    }
  for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
    tickmlp_kernel_info kernel;
    if (tickmlp_kernel_get(k, &kernel) != TICKMLP_OK || !kernel.available || kernel.type != TICKMLP_INT8) continue;
    const std::string name = std::string("update/tactical/") + kernel.name + "/";
    benchmark::RegisterBenchmark((name + "tick").c_str(), tick, kernel.name);
    benchmark::RegisterBenchmark((name + "row").c_str(), update, kernel.name, 7, true);
    for (uint32_t changes : {0, 1, 4, 7, 16, 32, 64, 128, 420})
      benchmark::RegisterBenchmark((name + std::to_string(changes)).c_str(), update, kernel.name, changes, false);
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
