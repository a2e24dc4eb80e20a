// SPDX-License-Identifier: Apache-2.0
// What the micro-benchmarks share: a bundled model on one kernel.
#ifndef TICKMLP_BENCH_BENCHMARK_MODELS_H_
#define TICKMLP_BENCH_BENCHMARK_MODELS_H_
#include <memory>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace tickmlp::bench {

struct Free {
  void operator()(tickmlp_model* model) const { tickmlp_model_free(model); }
  void operator()(tickmlp_session* session) const { tickmlp_session_free(session); }
  void operator()(tickmlp_sparse* sparse) const { tickmlp_sparse_free(sparse); }
  void operator()(tickmlp_window* window) const { tickmlp_window_free(window); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

// One model on one kernel; `why` says what failed.
struct Loaded {
  Owned<tickmlp_model> model;
  const tickmlp_model_info* info = nullptr;
  const float *inputs = nullptr, *golden = nullptr;
  uint32_t states = 0;
  std::vector<float> output;
  tickmlp_error error{};

  Loaded(const std::string& path, const char* kernel) {
    const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
    tickmlp_model* made = nullptr;
    if (tickmlp_model_load(path.c_str(), &options, &made, &error) != TICKMLP_OK) return;
    model.reset(made);
    info = tickmlp_model_describe(made);
    states = tickmlp_model_golden(made, &inputs, &golden);
    output.resize(info->outputs);
  }
};

void register_updates();  // update_benchmark.cc

}  // namespace tickmlp::bench
#endif
