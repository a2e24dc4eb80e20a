// SPDX-License-Identifier: Apache-2.0
// A model loaded for one test.
#pragma once

#include "blob_bytes.h"

namespace tickmlp::testing {

struct Loaded {
  tickmlp_status status;
  tickmlp_model* model = nullptr;
  tickmlp_error error = {};
  explicit Loaded(const std::string& path, tickmlp_load_options options = {}) {
    status = tickmlp_model_load(path.c_str(), &options, &model, &error);
  }
  ~Loaded() { tickmlp_model_free(model); }
  Loaded(const Loaded&) = delete;
};

// The outputs for the golden inputs equal the golden outputs, to the bit.
inline bool golden_holds(const tickmlp_model* model) {
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(model, nullptr, &session, nullptr) == TICKMLP_OK);
  const float *inputs, *outputs;
  const uint32_t count = tickmlp_model_golden(model, &inputs, &outputs);
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  std::vector<float> seen(count * info.outputs);
  REQUIRE(tickmlp_infer_batch(session, inputs, count, seen.data(), nullptr) == TICKMLP_OK);
  tickmlp_session_free(session);
  return std::memcmp(seen.data(), outputs, seen.size() * 4) == 0;
}

}  // namespace tickmlp::testing
