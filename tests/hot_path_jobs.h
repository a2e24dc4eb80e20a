// SPDX-License-Identifier: Apache-2.0
// What the hot-path tests run in their loops: each way to get an output, with what happens now and then on the way.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "../runtime/tickmlp.h"
#include "pruned_blob.h"

namespace tickmlp::testing {

enum class Path { kFull, kTick, kSparse, kTeam, kBatch };

struct Job {
  tickmlp_session* session;
  tickmlp_window* window;  // tick path only
  tickmlp_sparse* sparse;  // sparse updates only
  tickmlp_team* team;      // team only, made in the child: threads do not live through fork
  tickmlp_model* model;
  std::vector<float> inputs;  // 64 states
  uint32_t inputs_each, outputs_each, window_inputs;
  std::vector<float> outputs;  // batches only: 64 states
};

// A bundled model, or one that is pruned.
inline tickmlp_status load(const std::string& name, tickmlp_model** model, tickmlp_error* error) {
  if (name.rfind("pruned", 0) != 0) return tickmlp_model_load(weights_path(name).c_str(), nullptr, model, error);
  const std::vector<uint8_t> bytes = pruned_sample(name == "pruned-int8" ? ElementType::kInt8 : ElementType::kFloat32);
  return tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, model, error);
}

inline Job prepare(const char* name, Path path_taken) {
  tickmlp_model* model = nullptr;
  tickmlp_error error;
  REQUIRE_MESSAGE(load(name, &model, &error) == TICKMLP_OK, std::string(error.message));
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  Job job = {nullptr,     nullptr,      nullptr,     nullptr, model, std::vector<float>(64 * info.inputs),
             info.inputs, info.outputs, info.inputs, {}};
  REQUIRE(tickmlp_session_create(model, nullptr, &job.session, nullptr) == TICKMLP_OK);
  for (size_t i = 0; i < job.inputs.size(); ++i)
    job.inputs[i] = static_cast<float>(i % 97) / 48.0f - 1.01f;  // a few clip
  if (path_taken == Path::kBatch) job.outputs.resize(64 * info.outputs);
  if (path_taken == Path::kTick) {
    REQUIRE(tickmlp_window_create(model, nullptr, &job.window, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_window_reset(job.window, job.inputs.data(), info.inputs) == TICKMLP_OK);
    job.inputs_each = info.window_columns;
  }
  if (path_taken == Path::kSparse) {
    REQUIRE(tickmlp_sparse_create(model, nullptr, &job.sparse, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_sparse_reset(job.sparse, job.inputs.data(), info.inputs) == TICKMLP_OK);
  }
  return job;
}

// A few scattered inputs; now and then all of them, and now and then one that is refused.
inline tickmlp_status sparse_step(Job& job, uint64_t i, const float* values, float* output) {
  static const float refused[1] = {NAN};
  static uint32_t every[420];
  const uint32_t indices[4] = {static_cast<uint32_t>(i * 7) % job.inputs_each, 0, job.inputs_each - 1,
                               static_cast<uint32_t>(i * 13) % job.inputs_each};
  if (i % 100 == 99 &&
      tickmlp_sparse_update(job.sparse, indices, refused, 1, output, job.outputs_each) != TICKMLP_NON_FINITE_INPUT)
    return TICKMLP_STATUS_COUNT;
  if (i % 1000 == 999) {
    for (uint32_t k = 0; k < job.inputs_each; ++k) every[k] = k;
    return tickmlp_sparse_update(job.sparse, every, values, job.inputs_each, output, job.outputs_each);
  }
  if (i % 10000 == 9990) {
    if (const tickmlp_status status = tickmlp_sparse_reset(job.sparse, values, job.inputs_each)) return status;
  }
  return tickmlp_sparse_update(job.sparse, indices, values, 4, output, job.outputs_each);
}

// One inference; on the tick path a bar closes, and another window begins, now and then. Each is touched now and then.
inline tickmlp_status step(Job& job, uint64_t i, float* output) {
  if (!job.outputs.empty())  // a batch of another size each time
    return tickmlp_infer_batch(job.session, job.inputs.data(), 1 + i % 64, job.outputs.data(), nullptr);
  const float* input = job.inputs.data() + i % 64 * job.inputs_each;
  if (job.sparse != nullptr) return sparse_step(job, i, input, output);
  if (job.team != nullptr) return tickmlp_team_infer(job.team, input, job.inputs_each, output, job.outputs_each);
  if (i % 50 == 7)
    if (auto s = job.window == nullptr ? tickmlp_session_touch(job.session) : tickmlp_window_touch(job.window))
      return s;
  if (job.window == nullptr) return tickmlp_infer(job.session, input, job.inputs_each, output, job.outputs_each);
  if (i % 100 == 99) {
    if (const tickmlp_status status = tickmlp_window_advance(job.window)) return status;
  }
  if (i % 10000 == 9999) {
    if (const tickmlp_status status = tickmlp_window_reset(job.window, job.inputs.data(), job.window_inputs))
      return status;
  }
  return tickmlp_window_tick(job.window, input, job.inputs_each, output, job.outputs_each);
}

// On core 0, with a member on core 1, where there is one; else with a caller alone.
inline void make_team(Job* job) {
  const int member = 1;
  tickmlp_team_options options = {&member, 1, 0, 0, {}};
  if (tickmlp_team_create(job->model, &options, &job->team, nullptr) == TICKMLP_OK) tickmlp_pin_thread(0, nullptr);
  else tickmlp_team_create(job->model, nullptr, &job->team, nullptr);
}

}  // namespace tickmlp::testing
