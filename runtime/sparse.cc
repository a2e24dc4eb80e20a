// SPDX-License-Identifier: Apache-2.0
// Sparse updates: the codes of all inputs, their sums, and the call that corrects both.
#include <cstring>
#include <new>

#include "counters.h"
#include "error.h"
#include "float_environment.h"
#include "flush.h"
#include "gather.h"

// One block from the model's allocator: this struct, then its arrays, each 64-byte aligned.
struct tickmlp_sparse {
  tickmlp::Network network;
  tickmlp::UpdateFunction update;
  tickmlp::Workspace workspace;
  tickmlp::SparseState state;
  bool ready, flush, promised;
  tickmlp::GatherFunction gather;
  uint32_t* every;  // [inputs] 0, 1, 2 ...: the list of a reset
  float* flushed;   // [all inputs] scratch
  // Of a pruned model:
  uint32_t* place;         // [all inputs] of an input among those that layer 1 reads; kPruned where it is none
  uint32_t* kept_indices;  // [all inputs] scratch
  float* kept_values;      // [all inputs] likewise, and of gather
  tickmlp_counters counters;
  tickmlp_allocator allocator;
  void* allocation;
};

using namespace tickmlp;

namespace {

constexpr uint32_t kPruned = UINT32_MAX;

struct Sizes {
  size_t inputs, codes, lanes, quads;  // bytes; inputs: of 32-bit values, quads: of QuadCodes
  size_t given, pruned;                // of 32-bit values for all inputs; what a pruned model has more
  size_t all() const { return inputs + given + 3 * codes + 2 * lanes + 3 * quads + pruned; }
};

Sizes sizes_of(const Network& network) {
  const size_t quads = (network.inputs + 3) / 4, given = whole_lines(4 * size_t{network.all_inputs});
  return {whole_lines(4 * size_t{network.inputs}),
          whole_lines(4 * quads),
          network.groups * size_t{64},
          whole_lines((quads + 1) * sizeof(QuadCodes)),
          given,
          network.input_mask != nullptr ? 3 * given + kGroup * sizeof(float) : 0};
}

void lay_out(tickmlp_sparse& sparse, uint8_t* next) {
  const Sizes sizes = sizes_of(sparse.network);
  const auto take = [&next](size_t bytes) {
    uint8_t* const begin = next;
    next += bytes;
    return begin;
  };
  sparse.state.codes = take(sizes.codes);
  sparse.state.settled = take(sizes.codes);
  sparse.state.touched = take(sizes.codes);
  sparse.state.sums = reinterpret_cast<int32_t*>(take(sizes.lanes));
  sparse.state.next_sums = reinterpret_cast<int32_t*>(take(sizes.lanes));
  sparse.state.before = reinterpret_cast<QuadCodes*>(take(sizes.quads));
  sparse.state.gained = reinterpret_cast<QuadCodes*>(take(sizes.quads));
  sparse.state.lost = reinterpret_cast<QuadCodes*>(take(sizes.quads));
  sparse.every = reinterpret_cast<uint32_t*>(take(sizes.inputs));
  sparse.flushed = reinterpret_cast<float*>(take(sizes.given));
  if (sizes.pruned != 0) {
    sparse.place = reinterpret_cast<uint32_t*>(take(sizes.given));
    sparse.kept_indices = reinterpret_cast<uint32_t*>(take(sizes.given));
    sparse.kept_values = reinterpret_cast<float*>(take(sizes.given + kGroup * sizeof(float)));
    for (uint32_t i = 0, kept = 0; i < sparse.network.all_inputs; ++i)
      sparse.place[i] = sparse.network.input_mask[i / 8] >> i % 8 & 1 ? kept++ : kPruned;
  }
  sparse.workspace = make_workspace(sparse.network, next);
  for (uint32_t i = 0; i < sparse.network.inputs; ++i) sparse.every[i] = i;
}

// The list, without what was pruned.
[[gnu::noinline]] Outcome update_pruned(tickmlp_sparse& sparse, const uint32_t* indices, const float* values,
                                        uint32_t count, float* output) {
  if (!is_finite(values, count)) return Outcome::kNonFiniteInput;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < count; ++k) {
    sparse.kept_indices[kept] = sparse.place[indices[k]];
    sparse.kept_values[kept] = values[k];
    kept += sparse.kept_indices[kept] != kPruned;
  }
  return sparse.update(sparse.network, sparse.kept_indices, sparse.kept_values, kept, sparse.workspace, sparse.state,
                       output);
}

Outcome update_any(tickmlp_sparse& sparse, const uint32_t* indices, const float* values, uint32_t count,
                   float* output) {
  if (sparse.place != nullptr) return update_pruned(sparse, indices, values, count, output);
  return sparse.update(sparse.network, indices, values, count, sparse.workspace, sparse.state, output);
}

bool is_within(const uint32_t* indices, size_t count, uint32_t inputs) {
  bool within = true;
  for (size_t k = 0; k < count; ++k) within &= indices[k] < inputs;
  return within;
}

}  // namespace

extern "C" {

tickmlp_status tickmlp_sparse_create(const tickmlp_model* model, const tickmlp_session_options* given,
                                     tickmlp_sparse** out, tickmlp_error* error) {
  if (model == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "model or sparse is NULL; expected both");
  tickmlp_session_options options;
  if (auto s = read_session_options(given, &options, error)) return s;
  if (model->kernel->functions->update == nullptr)
    return fail(error, TICKMLP_NO_SPARSE,
                "model %s is float32, whose rounded sums cannot be corrected to the bit; expected an int8 model",
                model->info.name);
  const size_t arrays = sizes_of(model->network).all();
  const size_t bytes = whole_lines(sizeof(tickmlp_sparse)) + arrays + workspace_bytes(model->network);
  void* allocation;
  auto* begin = static_cast<uint8_t*>(allocate_lines(model->allocator, bytes, &allocation));
  if (begin == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for sparse updates, %zu bytes", bytes);
  auto* sparse = new (begin) tickmlp_sparse{};
  sparse->network = model->network;
  sparse->update = model->kernel->functions->update;
  sparse->gather = model->kernel->functions->gather;
  sparse->flush = options.non_finite == TICKMLP_FLUSH;
  sparse->promised = options.promise_default_float_environment != 0;
  sparse->allocator = model->allocator;
  sparse->allocation = allocation;
  lay_out(*sparse, begin + whole_lines(sizeof(tickmlp_sparse)));
  *out = sparse;
  return TICKMLP_OK;
}

void tickmlp_sparse_free(tickmlp_sparse* sparse) {
  if (sparse == nullptr) return;
  const tickmlp_allocator allocator = sparse->allocator;
  allocator.release(allocator.context, sparse->allocation);
}

tickmlp_status tickmlp_sparse_reset(tickmlp_sparse* sparse, const float* state, size_t count) {
  if (sparse == nullptr || state == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (count != sparse->network.all_inputs) return TICKMLP_INPUT_COUNT;
  if (!is_float_aligned(state)) return TICKMLP_MISALIGNED;
  const FloatEnvironment environment(sparse->promised);  // before anything looks at a value: a NaN may signal
  if (!is_finite(state, count)) {
    if (!sparse->flush) {
      add(sparse->counters.refused, 1);
      return TICKMLP_NON_FINITE_INPUT;
    }
    add(sparse->counters.flushed, copy_flushed(state, count, sparse->flushed));
    state = sparse->flushed;
  }
  // From no input at all; nothing can be refused any more.
  const Network& network = sparse->network;
  std::memset(sparse->state.codes, 0, network.inputs);
  std::memset(sparse->state.settled, 0, network.inputs);
  std::memcpy(sparse->state.sums, network.start, network.groups * size_t{64});
  if (network.input_mask != nullptr) {
    sparse->gather(state, network.all_inputs, network.input_mask, sparse->kept_values);
    state = sparse->kept_values;
  }
  sparse->update(network, sparse->every, state, network.inputs, sparse->workspace, sparse->state, nullptr);
  add(sparse->counters.clipped, sparse->workspace.clipped);
  sparse->ready = true;
  return TICKMLP_OK;
}

tickmlp_status tickmlp_sparse_update(tickmlp_sparse* sparse, const uint32_t* indices, const float* values, size_t count,
                                     float* output, size_t output_count) {
  if (sparse == nullptr || output == nullptr || (count != 0 && (indices == nullptr || values == nullptr)))
    return TICKMLP_BAD_ARGUMENT;
  if (count > sparse->network.all_inputs) return TICKMLP_INPUT_COUNT;
  if (output_count != sparse->network.outputs) return TICKMLP_OUTPUT_COUNT;
  if (!is_float_aligned(indices) || !is_float_aligned(values) || !is_float_aligned(output)) return TICKMLP_MISALIGNED;
  if (!is_within(indices, count, sparse->network.all_inputs)) return TICKMLP_INPUT_INDEX;
  if (!sparse->ready) return TICKMLP_SPARSE_EMPTY;
  const FloatEnvironment environment(sparse->promised);
  const auto update = [&](const float* from) {
    return update_any(*sparse, indices, from, static_cast<uint32_t>(count), output);
  };
  Outcome outcome = update(values);
  if (outcome == Outcome::kNonFiniteInput && sparse->flush) {
    add(sparse->counters.flushed, copy_flushed(values, count, sparse->flushed));
    outcome = update(sparse->flushed);
  }
  if (outcome != Outcome::kDone) [[unlikely]] {
    add(sparse->counters.refused, 1);
    return outcome == Outcome::kNonFiniteInput ? TICKMLP_NON_FINITE_INPUT : TICKMLP_NON_FINITE_OUTPUT;
  }
  add(sparse->counters.inferences, 1);
  add(sparse->counters.clipped, sparse->workspace.clipped);
  return TICKMLP_OK;
}

void tickmlp_sparse_counters(const tickmlp_sparse* sparse, tickmlp_counters* out) {
  if (sparse != nullptr && out != nullptr) *out = load(sparse->counters);
}

}  // extern "C"
