// SPDX-License-Identifier: Apache-2.0
// A model, a candidate of the same kind, and the shadow between them.
#pragma once

#include "swap_models.h"

namespace tickmlp::testing {

struct Pair {
  tickmlp_model *primary, *candidate;
  tickmlp_session* session = nullptr;
  tickmlp_shadow* shadow = nullptr;
  tickmlp_error error = {};
  const float *inputs, *outputs;
  uint32_t vectors;

  explicit Pair(const char* name, uint32_t seed = 3, tickmlp_shadow_options options = {})
      : primary(load_variant(name, 1, 0)), candidate(load_variant(name, 2, seed)) {
    REQUIRE(tickmlp_session_create(primary, nullptr, &session, nullptr) == TICKMLP_OK);
    REQUIRE(tickmlp_shadow_create(primary, candidate, &options, &shadow, &error) == TICKMLP_OK);
    vectors = tickmlp_model_golden(primary, &inputs, &outputs);
  }
  ~Pair() {
    tickmlp_shadow_free(shadow);
    tickmlp_session_free(session);
    tickmlp_model_free(primary);
    tickmlp_model_free(candidate);
  }
  Pair(const Pair&) = delete;

  const float* input(uint64_t i) const { return inputs + i % vectors * primary->info.inputs; }
  const float* output(uint64_t i) const { return outputs + i % vectors * primary->info.outputs; }
  int offer(uint64_t i) { return tickmlp_shadow_offer(shadow, input(i), output(i)); }
  tickmlp_shadow_figures figures() const {
    tickmlp_shadow_figures figures;
    tickmlp_shadow_read(shadow, &figures);
    return figures;
  }
};

}  // namespace tickmlp::testing
