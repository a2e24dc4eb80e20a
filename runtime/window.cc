// SPDX-License-Identifier: Apache-2.0
// The tick path: rows, the sums kept for all but the newest, and the call that finishes them.
#include <cstring>
#include <new>
#include <utility>

#include "error.h"
#include "float_environment.h"
#include "flush.h"
#include "gather.h"
#include "window.h"

using namespace tickmlp;

namespace {

// Sums over next_state's older rows; on success next_state and next_kept become the window's.
tickmlp_status take_next_state(tickmlp_window& window) {
  const Network& network = window.network;
  const float* older = window.next_state;
  if (network.input_mask != nullptr) {
    if (!window.gather(older, window.newest, network.input_mask, window.gathered)) return TICKMLP_NON_FINITE_INPUT;
    older = window.gathered;
  }
  const Outcome outcome = window.advance(network, older, window.begin, window.workspace, window.next_kept);
  if (outcome != Outcome::kDone) return TICKMLP_NON_FINITE_INPUT;
  std::swap(window.state, window.next_state);
  std::swap(window.kept, window.next_kept);
  return TICKMLP_OK;
}

bool overlap(const float* row, size_t row_count, const float* output, size_t output_count) {
  return row < output + output_count && output < row + row_count;
}

// next_state is scratch between resets.
const float* keep_aside(tickmlp_window& window, const float* row) {
  std::memcpy(window.next_state, row, window.columns * sizeof(float));
  return window.next_state;
}

const float* flush(tickmlp_window& window, const float* row, uint64_t* flushed) {
  *flushed = copy_flushed(row, window.columns, window.next_state);
  return window.next_state;
}

// A call of memcpy, which looks at the length first, takes 9 ns of a tick of 80.
void copy_row(const float* from, size_t count, float* to) {
  if (count < 4) {
    for (size_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (size_t i = 0; i + 4 < count; i += 4) std::memcpy(to + i, from + i, 16);
  std::memcpy(to + count - 4, from + count - 4, 16);
}

// What the newest row of a reset adds to what advance() has counted: it may become one of the older rows before a tick
// has seen it.
uint64_t clipped_in_newest(const tickmlp_window& window) {
  const float *row = window.state + window.newest, *scale = window.network.input_scale + window.begin;
  uint64_t clipped = 0;
  for (uint32_t i = 0; window.quantised && i < window.columns; ++i) clipped += std::fabs(row[i] * scale[i]) > 127.0f;
  return clipped;
}

size_t touch_bytes(uint32_t columns, uint32_t outputs) {
  return whole_lines(columns * sizeof(float)) + whole_lines(outputs * sizeof(float));
}

size_t bytes_of_arrays(const Network& network, uint32_t columns) {
  return 2 * whole_lines(network.all_inputs * sizeof(float)) + 2 * network.groups * size_t{64} +
         workspace_bytes(network) + touch_bytes(columns, network.outputs) + gathered_bytes(network, 1);
}

void lay_out(tickmlp_window& window, uint8_t* next) {
  const size_t state = whole_lines(window.network.all_inputs * sizeof(float)),
               lanes = window.network.groups * size_t{64};
  window.state = reinterpret_cast<float*>(next);
  window.next_state = reinterpret_cast<float*>(next + state);
  window.kept = next + 2 * state;
  window.next_kept = next + 2 * state + lanes;
  window.workspace = make_workspace(window.network, next + 2 * state + 2 * lanes);
  next += 2 * state + 2 * lanes + workspace_bytes(window.network);
  window.touch_row = reinterpret_cast<float*>(next);
  window.touch_output = reinterpret_cast<float*>(next + whole_lines(window.columns * sizeof(float)));
  next += touch_bytes(window.columns, window.network.outputs);
  window.gathered = reinterpret_cast<float*>(next);
}

}  // namespace

extern "C" {

tickmlp_status tickmlp_window_create(const tickmlp_model* model, const tickmlp_session_options* given,
                                     tickmlp_window** out, tickmlp_error* error) {
  if (model == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "model or window is NULL; expected both");
  tickmlp_session_options options;
  if (auto s = read_session_options(given, &options, error)) return s;
  if (model->info.window_rows == 0)
    return fail(error, TICKMLP_NO_WINDOW, "model %s has no window; export it with --window ROWSxCOLUMNS",
                model->info.name);
  const Network& network = model->network;
  const size_t bytes = whole_lines(sizeof(tickmlp_window)) + bytes_of_arrays(network, model->info.window_columns);
  void* allocation;
  auto* begin = static_cast<uint8_t*>(allocate_lines(model->allocator, bytes, &allocation));
  if (begin == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a window of %zu bytes", bytes);
  auto* window = new (begin) tickmlp_window{};
  window->network = network;
  window->counting = ~uint64_t{0};
  window->advance = model->kernel->functions->advance;
  window->tick = model->kernel->functions->tick;
  window->columns = model->info.window_columns;
  window->newest = network.all_inputs - window->columns;
  window->begin = network.inputs - window->columns;  // no model lacks an input of the newest row
  window->gather = model->kernel->functions->gather;
  window->flush = options.non_finite == TICKMLP_FLUSH;
  window->quantised = model->info.type == TICKMLP_INT8;
  window->promised = options.promise_default_float_environment != 0;
  window->allocator = model->allocator;
  window->allocation = allocation;
  lay_out(*window, begin + whole_lines(sizeof(tickmlp_window)));
  *out = window;
  return TICKMLP_OK;
}

void tickmlp_window_free(tickmlp_window* window) {
  if (window == nullptr) return;
  const tickmlp_allocator allocator = window->allocator;
  allocator.release(allocator.context, window->allocation);
}

tickmlp_status tickmlp_window_reset(tickmlp_window* window, const float* state, size_t count) {
  if (window == nullptr || state == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (count != window->network.all_inputs) return TICKMLP_INPUT_COUNT;
  if (!is_float_aligned(state)) return TICKMLP_MISALIGNED;
  const FloatEnvironment environment(window->promised);  // before anything looks at a value: a NaN may signal
  uint64_t flushed = 0;
  if (window->flush) flushed = copy_flushed(state, count, window->next_state);
  else std::memcpy(window->next_state, state, count * sizeof(float));
  if (!is_finite(window->next_state + window->newest, window->columns) || take_next_state(*window) != TICKMLP_OK) {
    add(window->counters.refused, 1);
    return TICKMLP_NON_FINITE_INPUT;
  }
  add(window->counters.flushed, flushed);
  add(window->counters.clipped, window->workspace.clipped + clipped_in_newest(*window));
  window->ready = true;
  return TICKMLP_OK;
}

tickmlp_status tickmlp_window_tick(tickmlp_window* window, const float* row, size_t row_count, float* output,
                                   size_t output_count) {
  if (window == nullptr || row == nullptr || output == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (row_count != window->columns) return TICKMLP_INPUT_COUNT;
  if (output_count != window->network.outputs) return TICKMLP_OUTPUT_COUNT;
  if (!is_float_aligned(row) || !is_float_aligned(output)) return TICKMLP_MISALIGNED;
  if (!window->ready) return TICKMLP_WINDOW_EMPTY;
  const FloatEnvironment environment(window->promised);
  // The row becomes the window's behind the kernel, beside the end of the softmax; first only where the output lies
  // over it. A refused row leaves nothing behind.
  if (overlap(row, row_count, output, output_count)) row = keep_aside(*window, row);
  Outcome outcome = window->tick(window->network, row, window->begin, window->workspace, window->kept, output);
  if (outcome == Outcome::kNonFiniteInput && window->flush) {
    uint64_t flushed = 0;
    row = flush(*window, row, &flushed);
    outcome = window->tick(window->network, row, window->begin, window->workspace, window->kept, output);
    add(window->counters.flushed, flushed);
  }
  if (outcome != Outcome::kDone) [[unlikely]] {
    add(window->counters.refused, 1 & window->counting);
    return outcome == Outcome::kNonFiniteInput ? TICKMLP_NON_FINITE_INPUT : TICKMLP_NON_FINITE_OUTPUT;
  }
  copy_row(row, row_count, window->state + window->newest);
  add(window->counters.inferences, 1 & window->counting);
  add(window->counters.clipped, window->workspace.clipped & window->counting);
  return TICKMLP_OK;
}

tickmlp_status tickmlp_window_advance(tickmlp_window* window) {
  if (window == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (!window->ready) return TICKMLP_WINDOW_EMPTY;
  std::memcpy(window->next_state, window->state + window->columns, window->newest * sizeof(float));
  std::memcpy(window->next_state + window->newest, window->state + window->newest, window->columns * sizeof(float));
  const FloatEnvironment environment(window->promised);
  return take_next_state(*window);  // every row came in finite
}

void tickmlp_window_counters(const tickmlp_window* window, tickmlp_counters* out) {
  if (window != nullptr && out != nullptr) *out = load(window->counters);
}

}  // extern "C"
