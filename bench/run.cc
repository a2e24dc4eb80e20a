// SPDX-License-Identifier: Apache-2.0
// `tickmlp run`: score states from one .npy file into another.
#include <algorithm>
#include <chrono>
#include <functional>

#include "cli.h"
#include "commands.h"
#include "model.h"
#include "npy.h"
#include "output_file.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kBatch = 1024;  // states between two looks at the interrupt flag

// Scores `count` states; on failure *done says how many had been.
using Score =
    std::function<tickmlp_status(const float* states, std::uint64_t count, float* outputs, std::size_t* done)>;

Score full_path(tickmlp_session* session) {
  return [=](const float* states, std::uint64_t count, float* outputs, std::size_t* done) {
    return tickmlp_infer_batch(session, states, count, outputs, done);
  };
}

// Each state alone: its older rows by reset, its newest by tick.
Score tick_path(tickmlp_window* window, const tickmlp_model_info& info) {
  return [=, &info](const float* states, std::uint64_t count, float* outputs, std::size_t* done) {
    for (*done = 0; *done < count; ++*done) {
      const float* state = states + *done * info.inputs;
      if (const tickmlp_status s = tickmlp_window_reset(window, state, info.inputs)) return s;
      const float* row = state + info.inputs - info.window_columns;
      float* output = outputs + *done * info.outputs;
      if (const tickmlp_status s = tickmlp_window_tick(window, row, info.window_columns, output, info.outputs))
        return s;
    }
    return TICKMLP_OK;
  };
}

// False when interrupted.
bool score_all(const Matrix& states, const Score& score, const tickmlp_model_info& info, const std::string& name,
               std::vector<float>* outputs) {
  outputs->resize(states.rows * info.outputs);
  for (std::uint64_t begin = 0; begin < states.rows; begin += kBatch) {
    if (g_interrupt_signal != 0) return false;
    const std::uint64_t count = std::min(kBatch, states.rows - begin);
    std::size_t done = 0;
    const tickmlp_status status =
        score(states.values.data() + begin * info.inputs, count, outputs->data() + begin * info.outputs, &done);
    if (status != TICKMLP_OK)
      refuse(name + ", state " + std::to_string(begin + done) + ": " + tickmlp_status_name(status) +
             "; expected finite inputs and outputs (--non-finite flush changes such inputs and counts them)");
  }
  return true;
}

}  // namespace

int run(const RunOptions& options) {
  catch_interrupts();
  const tickmlp_load_mode mode = options.mode == "mapped" ? TICKMLP_MAPPED : TICKMLP_COPY;
  const Model model = load_model(options.blob, options.kernel, mode);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  check_target(options.output, {options.blob, options.input});
  const tickmlp_non_finite non_finite = options.non_finite == "flush" ? TICKMLP_FLUSH : TICKMLP_STRICT;
  const bool tick = options.path == "tick";
  const Window window = tick ? open_window(model, non_finite) : nullptr;
  const Session session = open_session(model, non_finite);
  const Matrix states = read_npy(options.input, info.inputs);

  std::vector<float> outputs;
  const auto start = std::chrono::steady_clock::now();
  const Score score = tick ? tick_path(window.get(), info) : full_path(session.get());
  const bool whole = score_all(states, score, info, printable(options.input), &outputs);
  const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  if (!whole) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was written"};

  const std::string_view bytes(reinterpret_cast<const char*>(outputs.data()), outputs.size() * sizeof(float));
  write_atomically(options.output, {npy_header(states.rows, info.outputs), bytes});
  tickmlp_counters counters{};
  if (tick) tickmlp_window_counters(window.get(), &counters);
  else tickmlp_session_counters(session.get(), &counters);
  std::string text = with_commas(states.rows) + " states, " + fixed_point(ns / static_cast<double>(states.rows), 0) +
                     " ns/state with " + info.kernel + ", " + with_commas(counters.clipped) + " inputs clipped";
  if (counters.flushed != 0) text += ", " + with_commas(counters.flushed) + " flushed";
  print(text + " -> " + printable(options.output) + "\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
