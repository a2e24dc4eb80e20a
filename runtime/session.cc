// SPDX-License-Identifier: Apache-2.0
// The hot path: checks, the float environment, the kernel, counters.
#include <cstring>
#include <new>

#include "error.h"
#include "float_environment.h"
#include "flush.h"
#include "gather.h"
#include "session.h"

using namespace tickmlp;

namespace {

// Cold: a copy of the input without its non-finite values.
const float* flush(tickmlp_session& session, const float* input) {
  add(session.counters.flushed, copy_flushed(input, session.network.all_inputs, session.flushed_input));
  return session.flushed_input;
}

// Not inlined: the registers that it wants would be saved for every model.
[[gnu::noinline]] Outcome infer_pruned(tickmlp_session& session, const float* input, float* output) {
  const Network& network = session.network;
  if (!session.gather(input, network.all_inputs, network.input_mask, session.gathered)) return Outcome::kNonFiniteInput;
  return session.infer(network, session.gathered, session.workspace, output);
}

Outcome infer_any(tickmlp_session& session, const float* input, float* output) {
  if (session.network.input_mask != nullptr) return infer_pruned(session, input, output);
  return session.infer(session.network, input, session.workspace, output);
}

BatchResult batch_any(tickmlp_session& session, const float* inputs, uint32_t states, float* outputs) {
  const Network& network = session.network;
  if (network.input_mask == nullptr) return session.batch(network, inputs, states, session.batch_workspace, outputs);
  uint32_t finite = 0;
  while (finite < states && session.gather(inputs + size_t{finite} * network.all_inputs, network.all_inputs,
                                           network.input_mask, session.gathered + size_t{finite} * network.inputs))
    ++finite;
  BatchResult result = session.batch(network, session.gathered, finite, session.batch_workspace, outputs);
  if (result.outcome == Outcome::kDone && finite < states) result.outcome = Outcome::kNonFiniteInput;
  return result;
}

// One state in the default float environment; the outputs are written only when all is well.
tickmlp_status infer_one(tickmlp_session& session, const float* input, float* output) {
  Outcome outcome = infer_any(session, input, output);
  if (outcome == Outcome::kNonFiniteInput && session.flushed_input != nullptr)
    outcome = infer_any(session, flush(session, input), output);
  if (outcome != Outcome::kDone) [[unlikely]] {
    add(session.counters.refused, 1 & session.counting);
    return outcome == Outcome::kNonFiniteInput ? TICKMLP_NON_FINITE_INPUT : TICKMLP_NON_FINITE_OUTPUT;
  }
  add(session.counters.inferences, 1 & session.counting);
  add(session.counters.clipped, session.workspace.clipped & session.counting);
  return TICKMLP_OK;
}

// The first states of a batch, as many as the scratch holds; adds what was finished. A state that the kernel refuses
// goes once more alone, which names the error, or flushes it: neither stands in the way of the others.
tickmlp_status infer_block(tickmlp_session& session, const float* inputs, size_t states, float* outputs,
                           size_t* finished) {
  const size_t count = states < session.batch_workspace.states ? states : session.batch_workspace.states;
  BatchResult result = {0, Outcome::kDone, 0};
  if (count > 2) {  // two states alone are no slower: register blocks of two wait for their own sums
    result = batch_any(session, inputs, static_cast<uint32_t>(count), outputs);
    add(session.counters.inferences, result.done);
    add(session.counters.clipped, result.clipped);
    *finished += result.done;
    if (result.outcome == Outcome::kDone) return TICKMLP_OK;
  }
  const tickmlp_status status = infer_one(session, inputs + size_t{result.done} * session.network.all_inputs,
                                          outputs + size_t{result.done} * session.network.outputs);
  if (status == TICKMLP_OK) *finished += 1;
  return status;
}

}  // namespace

tickmlp_status tickmlp::read_session_options(const tickmlp_session_options* given, tickmlp_session_options* options,
                                             tickmlp_error* error) {
  *options = {};
  if (given != nullptr) std::memcpy(options, given, sizeof *options);
  const int non_finite = raw_value(options->non_finite);
  if (non_finite == TICKMLP_STRICT || non_finite == TICKMLP_FLUSH) return TICKMLP_OK;
  return fail(error, TICKMLP_BAD_ARGUMENT, "non_finite is %d; expected TICKMLP_STRICT or TICKMLP_FLUSH", non_finite);
}

extern "C" {

tickmlp_status tickmlp_session_create(const tickmlp_model* model, const tickmlp_session_options* given,
                                      tickmlp_session** out, tickmlp_error* error) {
  if (model == nullptr || out == nullptr)
    return fail(error, TICKMLP_BAD_ARGUMENT, "model or session is NULL; expected both");
  tickmlp_session_options options;
  if (auto s = read_session_options(given, &options, error)) return s;
  const size_t flush_bytes =
      options.non_finite == TICKMLP_FLUSH ? whole_lines(model->network.all_inputs * sizeof(float)) : 0;
  const size_t scratch_bytes = workspace_bytes(model->network) + batch_workspace_bytes(model->network);
  const size_t touch_bytes = whole_lines(model->network.outputs * sizeof(float));
  const size_t bytes = whole_lines(sizeof(tickmlp_session)) + scratch_bytes + touch_bytes + flush_bytes +
                       gathered_bytes(model->network, kMaxBatchStates);
  void* allocation;
  auto* begin = static_cast<uint8_t*>(allocate_lines(model->allocator, bytes, &allocation));
  if (begin == nullptr) return fail(error, TICKMLP_OUT_OF_MEMORY, "no memory for a session of %zu bytes", bytes);
  auto* session = new (begin) tickmlp_session{};
  uint8_t* scratch = begin + whole_lines(sizeof(tickmlp_session));
  session->network = model->network;
  session->counting = ~uint64_t{0};
  session->infer = model->kernel->functions->infer;
  session->workspace = make_workspace(model->network, scratch);
  session->batch = model->kernel->functions->batch;
  session->batch_workspace =
      make_batch_workspace(model->network, session->workspace, scratch + workspace_bytes(model->network));
  const float* golden_output;
  tickmlp_model_golden(model, &session->touch_input, &golden_output);
  session->touch_output = reinterpret_cast<float*>(scratch + scratch_bytes);
  if (flush_bytes != 0) session->flushed_input = reinterpret_cast<float*>(scratch + scratch_bytes + touch_bytes);
  session->gather = model->kernel->functions->gather;
  session->gathered = reinterpret_cast<float*>(scratch + scratch_bytes + touch_bytes + flush_bytes);
  session->promised = options.promise_default_float_environment != 0;
  session->allocator = model->allocator;
  session->allocation = allocation;
  *out = session;
  return TICKMLP_OK;
}

void tickmlp_session_free(tickmlp_session* session) {
  if (session == nullptr) return;
  const tickmlp_allocator allocator = session->allocator;
  allocator.release(allocator.context, session->allocation);
}

tickmlp_status tickmlp_infer(tickmlp_session* session, const float* input, size_t input_count, float* output,
                             size_t output_count) {
  if (session == nullptr || input == nullptr || output == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (input_count != session->network.all_inputs) return TICKMLP_INPUT_COUNT;
  if (output_count != session->network.outputs) return TICKMLP_OUTPUT_COUNT;
  if (!is_float_aligned(input) || !is_float_aligned(output)) return TICKMLP_MISALIGNED;
  const FloatEnvironment environment(session->promised);
  return infer_one(*session, input, output);
}

tickmlp_status tickmlp_infer_batch(tickmlp_session* session, const float* inputs, size_t states, float* outputs,
                                   size_t* done) {
  if (done != nullptr) *done = 0;
  if (session == nullptr || inputs == nullptr || outputs == nullptr) return TICKMLP_BAD_ARGUMENT;
  if (!is_float_aligned(inputs) || !is_float_aligned(outputs)) return TICKMLP_MISALIGNED;
  const FloatEnvironment environment(session->promised);
  size_t finished = 0;
  while (finished < states) {
    const tickmlp_status status =
        infer_block(*session, inputs + finished * session->network.all_inputs, states - finished,
                    outputs + finished * session->network.outputs, &finished);
    if (done != nullptr) *done = finished;
    if (status != TICKMLP_OK) return status;
  }
  return TICKMLP_OK;
}

void tickmlp_session_counters(const tickmlp_session* session, tickmlp_counters* out) {
  if (session != nullptr && out != nullptr) *out = load(session->counters);
}

}  // extern "C"
