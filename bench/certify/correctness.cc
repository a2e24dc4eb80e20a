// SPDX-License-Identifier: Apache-2.0
#include "certify/correctness.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "cli.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kMostStates = 256;  // the scalar kernel takes some 100 us a state: 30 ms in all

// The first output that differs in any bit, in words; "" when none does.
std::string first_difference(const std::string& what, const float* seen, const float* expected, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t seen_bits = 0, expected_bits = 0;
    std::memcpy(&seen_bits, seen + i, sizeof seen_bits);
    std::memcpy(&expected_bits, expected + i, sizeof expected_bits);
    if (seen_bits == expected_bits) continue;
    char text[160];
    std::snprintf(text, sizeof text, ", output %zu: %.9g (0x%08x), expected %.9g (0x%08x)", i,
                  static_cast<double>(seen[i]), seen_bits, static_cast<double>(expected[i]), expected_bits);
    return what + text;
  }
  return "";
}

void infer(const tickmlp_model_info& model, tickmlp_session* session, const float* state, std::vector<float>* output,
           const std::string& what) {
  const tickmlp_status status = tickmlp_infer(session, state, model.inputs, output->data(), output->size());
  if (status != TICKMLP_OK) refuse(what + ": " + tickmlp_status_name(status));
}

// The older rows by reset, the newest by tick.
void tick(const tickmlp_model_info& model, tickmlp_window* window, const float* state, std::vector<float>* output,
          const std::string& what) {
  const float* row = state + model.inputs - model.window_columns;
  tickmlp_status status = tickmlp_window_reset(window, state, model.inputs);
  if (status == TICKMLP_OK)
    status = tickmlp_window_tick(window, row, model.window_columns, output->data(), output->size());
  if (status != TICKMLP_OK) refuse(what + " on the tick path: " + tickmlp_status_name(status));
}

}  // namespace

Correctness check_correctness(const std::string& path, const Model& model, tickmlp_session* session,
                              tickmlp_window* window, const float* states, std::uint64_t count) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  Correctness result;
  std::vector<float> seen(info.outputs), expected(info.outputs);

  const float *inputs = nullptr, *outputs = nullptr;
  result.golden_vectors = tickmlp_model_golden(model.get(), &inputs, &outputs);
  for (std::uint64_t i = 0; i < result.golden_vectors && result.equal(); ++i) {
    const std::string what = "golden vector " + std::to_string(i);
    infer(info, session, inputs + i * info.inputs, &seen, what);
    result.mismatch = first_difference(what, seen.data(), outputs + i * info.outputs, info.outputs);
  }

  result.scalar_kernel = std::string(dtype_name(info.type)) + "-scalar";
  const Model scalar = load_model(path, result.scalar_kernel);
  const tickmlp_model_info& scalar_info = *tickmlp_model_describe(scalar.get());
  if (std::memcmp(scalar_info.blob_sha256, info.blob_sha256, sizeof info.blob_sha256) != 0)
    refuse(printable(path) + " was replaced while it was being certified");
  const Session scalar_session = open_session(scalar);
  result.states = std::min(count, kMostStates);
  for (std::uint64_t i = 0; i < result.states && result.equal(); ++i) {
    const std::string what = "state " + std::to_string(i);
    infer(info, session, states + i * info.inputs, &seen, what);
    infer(info, scalar_session.get(), states + i * info.inputs, &expected, what + " with " + result.scalar_kernel);
    result.mismatch = first_difference(what, seen.data(), expected.data(), info.outputs);
    if (window == nullptr || !result.equal()) continue;
    tick(info, window, states + i * info.inputs, &seen, what);
    result.mismatch = first_difference(what + " on the tick path", seen.data(), expected.data(), info.outputs);
  }
  result.ticks = window != nullptr;
  return result;
}

void check_states(const tickmlp_model_info& model, tickmlp_session* session, const float* states, std::uint64_t count) {
  std::vector<float> output(model.outputs);
  for (std::uint64_t i = 0; i < count; ++i)
    infer(model, session, states + i * model.inputs, &output, "input state " + std::to_string(i));
}

}  // namespace tickmlp::bench
