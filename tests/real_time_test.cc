// SPDX-License-Identifier: Apache-2.0
// Every call of the cost class "hot path" under RealtimeSanitizer, which ends the process at the first allocation, lock
// or system call inside a function that is declared nonblocking. Arguments: blobs. Built by clang 22 alone.
// `real_time_test --broken WHAT BLOB` adds one such call (allocation, lock, system-call) and has to die of it.
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../runtime/tickmlp.h"

#if !defined(__has_feature) || !__has_feature(realtime_sanitizer)
#error "build it with -fsanitize=realtime (scripts/test rtsan)"
#endif

namespace {

struct Objects {
  tickmlp_model* model = nullptr;
  tickmlp_session *session = nullptr, *flushing = nullptr;
  tickmlp_window* window = nullptr;
  tickmlp_sparse* sparse = nullptr;
  tickmlp_team* team = nullptr;
  tickmlp_swap* swap = nullptr;  // with a model of its own
  tickmlp_reader* reader = nullptr;
  tickmlp_shadow* shadow = nullptr;
  tickmlp_split split = {};
  tickmlp_clock clock = {};
  tickmlp_recorder recorder, other;
  uint32_t inputs = 0, columns = 0, outputs = 0;
  std::vector<float> states, refused, output;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
void* volatile sink;

void break_it(const char* what) {
  if (std::strcmp(what, "allocation") == 0) sink = std::malloc(16);
  if (std::strcmp(what, "lock") == 0) pthread_mutex_lock(&mutex);
  if (std::strcmp(what, "system-call") == 0) sink = reinterpret_cast<void*>(write(-1, "", 0));
}

// How many calls ended otherwise than they have to.
int full_path(Objects& o) [[clang::nonblocking]] {
  int wrong = 0;
  size_t done = 0;
  tickmlp_counters counters;
  const float* states = o.states.data();
  wrong += tickmlp_infer(o.session, states, o.inputs, o.output.data(), o.outputs) != TICKMLP_OK;
  wrong += tickmlp_infer(o.flushing, o.refused.data(), o.inputs, o.output.data(), o.outputs) != TICKMLP_OK;
  wrong += tickmlp_infer(o.session, o.refused.data(), o.inputs, o.output.data(), o.outputs) != TICKMLP_NON_FINITE_INPUT;
  wrong += tickmlp_infer_batch(o.session, states, 64, o.output.data(), &done) != TICKMLP_OK || done != 64;
  wrong += tickmlp_session_touch(o.session) != TICKMLP_OK;
  tickmlp_session_counters(o.session, &counters);
  tickmlp_head_info head;
  const char* name;
  const float *golden_inputs, *golden_outputs;
  float low, high;
  wrong += tickmlp_model_describe(o.model)->inputs != o.inputs;
  wrong += tickmlp_model_head(o.model, 0, &head) != TICKMLP_OK;
  wrong += tickmlp_model_feature(o.model, ~0u, &name, &low, &high) != TICKMLP_BAD_ARGUMENT;
  wrong += tickmlp_model_golden(o.model, &golden_inputs, &golden_outputs) == 0;
  if (o.team != nullptr) {
    tickmlp_team_counters team;
    wrong += tickmlp_team_infer(o.team, states, o.inputs, o.output.data(), o.outputs) != TICKMLP_OK;
    tickmlp_team_read_counters(o.team, &team);
  }
  return wrong;
}

int updates(Objects& o) [[clang::nonblocking]] {
  int wrong = 0;
  tickmlp_counters counters;
  const float* states = o.states.data();
  if (o.window != nullptr) {
    wrong += tickmlp_window_reset(o.window, states, o.inputs) != TICKMLP_OK;
    for (int bar = 0; bar < 3; ++bar) {
      wrong += tickmlp_window_tick(o.window, states, o.columns, o.output.data(), o.outputs) != TICKMLP_OK;
      wrong += tickmlp_window_touch(o.window) != TICKMLP_OK;
      wrong += tickmlp_window_advance(o.window) != TICKMLP_OK;
    }
    tickmlp_window_counters(o.window, &counters);
  }
  if (o.sparse != nullptr) {
    const uint32_t indices[3] = {0, o.inputs - 1, 2};
    wrong += tickmlp_sparse_reset(o.sparse, states, o.inputs) != TICKMLP_OK;
    wrong += tickmlp_sparse_update(o.sparse, indices, states, 3, o.output.data(), o.outputs) != TICKMLP_OK;
    tickmlp_sparse_counters(o.sparse, &counters);
  }
  return wrong;
}

int readers(Objects& o) [[clang::nonblocking]] {
  int wrong = 0;
  tickmlp_counters counters;
  tickmlp_shadow_figures figures;
  const float* states = o.states.data();
  for (int turn = 0; turn < 3; ++turn) {
    const tickmlp_held* held = tickmlp_reader_take(o.reader);
    wrong += tickmlp_infer(held->session, states, o.inputs, o.output.data(), o.outputs) != TICKMLP_OK;
    wrong += tickmlp_shadow_offer(o.shadow, states, o.output.data()) != 1;
    if (turn == 1) tickmlp_reader_release(o.reader);
  }
  wrong += tickmlp_shadow_work(o.shadow, 8) != 3;
  tickmlp_shadow_read(o.shadow, &figures);
  wrong += figures.identical != 3 || tickmlp_shadow_recorder(o.shadow)->count != 3;
  tickmlp_session_counters(tickmlp_shadow_session(o.shadow), &counters);
  wrong += counters.inferences != 3;
  return wrong + (tickmlp_split_choose(&o.split, 7) > 1);
}

int measuring(Objects& o) [[clang::nonblocking]] {
  tickmlp_recorder_reset(&o.recorder);
  const uint64_t begin = tickmlp_clock_begin();
  const uint64_t ns = tickmlp_clock_ns(&o.clock, tickmlp_clock_end() - begin);
  for (uint64_t k = 0; k < 34; ++k) tickmlp_recorder_record(&o.recorder, ns << k);
  tickmlp_recorder_increment(&o.recorder.beyond);
  tickmlp_recorder_read(&o.recorder, &o.other);
  tickmlp_recorder_merge(&o.other, &o.recorder);
  const tickmlp_status status = tickmlp_recorder_subtract(&o.other, &o.recorder);
  const double sum = tickmlp_recorder_central(&o.other) +
                     static_cast<double>(tickmlp_recorder_percentile(&o.other, 99, 100)) +
                     static_cast<double>(tickmlp_recorder_slot_upper(tickmlp_recorder_slot(ns)));
  return status != TICKMLP_OK || !(sum >= 0) || tickmlp_version() == nullptr ||
         tickmlp_status_name(TICKMLP_OK) == nullptr;
}

int broken(Objects& o, const char* what) [[clang::nonblocking]] {
  const int wrong = full_path(o);
  break_it(what);
  return wrong;
}

bool load(const char* path, const char* kernel, Objects* o) {
  const tickmlp_load_options options = {kernel, TICKMLP_COPY, 0, nullptr};
  const tickmlp_status status = tickmlp_model_load(path, &options, &o->model, nullptr);
  if (status != TICKMLP_OK) return false;
  const tickmlp_model_info& info = *tickmlp_model_describe(o->model);
  o->inputs = info.inputs;
  o->outputs = info.outputs;
  o->columns = info.window_columns;
  o->states.resize(64 * o->inputs);
  for (size_t i = 0; i < o->states.size(); ++i) o->states[i] = static_cast<float>(i % 97) / 48.0f - 1.01f;
  o->refused.assign(o->inputs, __builtin_nanf(""));
  o->output.resize(64 * o->outputs);
  const tickmlp_session_options flush = {TICKMLP_FLUSH, 0};
  tickmlp_session_create(o->model, nullptr, &o->session, nullptr);
  tickmlp_session_create(o->model, &flush, &o->flushing, nullptr);
  tickmlp_window_create(o->model, nullptr, &o->window, nullptr);  // where the model has a window
  tickmlp_sparse_create(o->model, nullptr, &o->sparse, nullptr);  // int8
  tickmlp_team_create(o->model, nullptr, &o->team, nullptr);      // the caller alone
  tickmlp_model* current = nullptr;
  const uint32_t halves[2] = {TICKMLP_SPLIT_WHOLE / 2, TICKMLP_SPLIT_WHOLE / 2};
  return tickmlp_clock_calibrate(&o->clock, nullptr) == TICKMLP_OK && o->session != nullptr && o->flushing != nullptr &&
         tickmlp_model_load(path, &options, &current, nullptr) == TICKMLP_OK &&
         tickmlp_swap_create(current, nullptr, &o->swap, nullptr) == TICKMLP_OK &&
         tickmlp_reader_create(o->swap, nullptr, "reader", &o->reader, nullptr) == TICKMLP_OK &&
         tickmlp_shadow_create(o->model, o->model, nullptr, &o->shadow, nullptr) == TICKMLP_OK &&
         tickmlp_split_make(halves, 2, 1, &o->split, nullptr) == TICKMLP_OK;
}

void release(Objects* o) {
  tickmlp_shadow_free(o->shadow);
  tickmlp_swap_free(o->swap);  // and its reader
  tickmlp_team_free(o->team);
  tickmlp_sparse_free(o->sparse);
  tickmlp_window_free(o->window);
  tickmlp_session_free(o->flushing);
  tickmlp_session_free(o->session);
  tickmlp_model_free(o->model);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 4 && std::strcmp(arguments[1], "--broken") == 0) {
    Objects o;
    return load(arguments[3], nullptr, &o) ? broken(o, arguments[2]) : 4;
  }
  int wrong = 0, runs = 0;
  for (int b = 1; b < count; ++b)
    for (size_t k = 0; k < tickmlp_kernel_count(); ++k) {
      tickmlp_kernel_info kernel;
      if (tickmlp_kernel_get(k, &kernel) != TICKMLP_OK || !kernel.available) continue;
      Objects o;
      if (!load(arguments[b], kernel.name, &o)) continue;  // the other element type
      const int failed = full_path(o) + updates(o) + readers(o) + measuring(o);
      std::printf("%s on %s: %s\n", arguments[b], kernel.name, failed == 0 ? "real-time safe" : "WRONG");
      wrong += failed;
      ++runs;
      release(&o);
    }
  return wrong == 0 && runs >= count - 1 ? 0 : 1;
}
