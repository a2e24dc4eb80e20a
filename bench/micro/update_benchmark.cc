// SPDX-License-Identifier: Apache-2.0
// Sparse updates on every int8 kernel, to be read beside the full path and the tick of the same run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "micro/benchmark_models.h"

namespace tickmlp::bench {
namespace {

constexpr uint32_t kLists = 256;

// Sparse updates of `changes` random inputs to random values, 256 lists in turn; `update/.../window` is the tick path's
// seven neighbours through the same call.
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

void update(benchmark::State& state, const std::string& path, const char* kernel, uint32_t changes, bool newest_row) {
  Loaded loaded(path, kernel);
  tickmlp_sparse* made = nullptr;
  if (!loaded.model || tickmlp_sparse_create(loaded.model.get(), nullptr, &made, &loaded.error) != TICKMLP_OK)
    return state.SkipWithError(loaded.error.message);
  const Owned<tickmlp_sparse> sparse(made);
  const Lists lists = random_lists(loaded.info->inputs, changes, newest_row);
  bool good = tickmlp_sparse_reset(made, loaded.inputs, loaded.info->inputs) == TICKMLP_OK;
  uint32_t next = 0;
  for (auto _ : state) {
    const size_t at = size_t{next} * changes;
    good &= tickmlp_sparse_update(made, lists.indices.data() + at, lists.values.data() + at, changes,
                                  loaded.output.data(), loaded.output.size()) == TICKMLP_OK;
    next = next + 1 == kLists ? 0 : next + 1;
    benchmark::ClobberMemory();
  }
  if (!good) state.SkipWithError("refused");
}

}  // namespace

void register_updates() {
  const std::string path = TICKMLP_SOURCE_ROOT "/weights/tactical-int8.blob";
  for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
    tickmlp_kernel_info kernel;
    if (tickmlp_kernel_get(k, &kernel) != TICKMLP_OK || !kernel.available || kernel.type != TICKMLP_INT8) continue;
    const std::string name = std::string("update/tactical/") + kernel.name + "/";
    benchmark::RegisterBenchmark((name + "row").c_str(), update, path, kernel.name, 7, true);
    for (uint32_t changes : {0, 1, 4, 7, 16, 32, 64, 128, 420})
      benchmark::RegisterBenchmark((name + std::to_string(changes)).c_str(), update, path, kernel.name, changes, false);
  }
}

}  // namespace tickmlp::bench
