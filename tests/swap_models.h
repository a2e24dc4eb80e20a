// SPDX-License-Identifier: Apache-2.0
// Models of one kind that answer differently: a bundled one with other layer-2 biases and another generation, as whole
// valid blobs, whose golden outputs the load itself checks.
#pragma once

#include <algorithm>

#include "../runtime/model.h"
#include "loaded.h"

namespace tickmlp::testing {

inline bool says(const tickmlp_error& error, const std::string& words) {
  INFO(error.message);
  return std::string(error.message).find(words) != std::string::npos;
}

// The same inputs, other outputs: what `seed` adds to the logits is different for each.
inline std::vector<uint8_t> variant(const std::string& name, uint64_t generation, uint32_t seed) {
  std::vector<uint8_t> bytes = bundled(name);
  const BlobPlan plan = plan_of(bytes);
  auto* start2 = reinterpret_cast<float*>(bytes.data() + plan.start2.begin);
  for (uint32_t k = 0; k < plan.outputs; ++k) start2[k] += 0.03f * static_cast<float>((seed + 1) * (k % 4 + 1) % 29);
  header_of(bytes).generation = generation;
  // The new golden outputs, from the bundled model with these biases in place of its own.
  Loaded loaded(weights_path(name));
  REQUIRE(loaded.status == TICKMLP_OK);
  tickmlp_model& model = *loaded.model;
  model.network.start2 = start2;
  bind_head_blocks(model.heads, model.network.heads, start2, &model.head_blocks);
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(&model, nullptr, &session, nullptr) == TICKMLP_OK);
  const auto* inputs = reinterpret_cast<const float*>(bytes.data() + plan.golden_inputs.begin);
  auto* outputs = reinterpret_cast<float*>(bytes.data() + plan.golden_outputs.begin);
  REQUIRE(tickmlp_infer_batch(session, inputs, kGoldenCount, outputs, nullptr) == TICKMLP_OK);
  tickmlp_session_free(session);
  stamp(bytes);
  return bytes;
}

// The caller's, or the slot's once it has been published.
inline tickmlp_model* load(const std::vector<uint8_t>& bytes, const tickmlp_allocator* allocator = nullptr) {
  tickmlp_model* model = nullptr;
  tickmlp_error error = {};
  const tickmlp_load_options options = {nullptr, TICKMLP_COPY, 0, allocator};
  REQUIRE_MESSAGE(tickmlp_model_load_bytes(bytes.data(), bytes.size(), &options, &model, &error) == TICKMLP_OK,
                  std::string(error.message));
  return model;
}

inline tickmlp_model* load_variant(const std::string& name, uint64_t generation, uint32_t seed) {
  return load(variant(name, generation, seed));
}

// What the reader holds gives the golden outputs of the model that it says it holds, on the full path.
inline bool answers_golden(const tickmlp_held& held) {
  const float *inputs, *outputs;
  const uint32_t count = tickmlp_model_golden(held.model, &inputs, &outputs);
  const tickmlp_model_info& info = *tickmlp_model_describe(held.model);
  std::vector<float> seen(info.outputs);
  for (uint32_t i = 0; i < count; ++i) {
    if (tickmlp_infer(held.session, inputs + i * info.inputs, info.inputs, seen.data(), seen.size()) != TICKMLP_OK ||
        std::memcmp(seen.data(), outputs + i * info.outputs, seen.size() * sizeof(float)) != 0)
      return false;
  }
  return true;
}

// A slot and what is left of it at the end of a case.
struct Slot {
  tickmlp_swap* swap = nullptr;
  tickmlp_error error = {};
  explicit Slot(tickmlp_model* first, tickmlp_swap_options options = {}) {
    REQUIRE(tickmlp_swap_create(first, &options, &swap, &error) == TICKMLP_OK);
  }
  ~Slot() { tickmlp_swap_free(swap); }
  Slot(const Slot&) = delete;

  // Frees the model where it is refused.
  tickmlp_status publish(tickmlp_model* next, bool rollback = false) {
    const tickmlp_publish_options options = {rollback};
    const tickmlp_status status = tickmlp_swap_publish(swap, next, &options, &error);
    if (status != TICKMLP_OK) tickmlp_model_free(next);
    return status;
  }
  tickmlp_reader* reader(const char* name = "a reader") {
    tickmlp_reader* made = nullptr;
    REQUIRE(tickmlp_reader_create(swap, nullptr, name, &made, &error) == TICKMLP_OK);
    return made;
  }
  tickmlp_swap_state state() const {
    tickmlp_swap_state state;
    tickmlp_swap_status(swap, &state);
    return state;
  }
  tickmlp_reader_info info(size_t index) const {
    tickmlp_reader_info info;
    REQUIRE(tickmlp_swap_reader(swap, index, &info) == TICKMLP_OK);
    return info;
  }
};

}  // namespace tickmlp::testing
