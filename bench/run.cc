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

// Scores states begin .. begin + count - 1, called in their order; on failure *done says how many of them had been.
using Score =
    std::function<tickmlp_status(std::uint64_t begin, std::uint64_t count, float* outputs, std::size_t* done)>;

Score full_path(tickmlp_session* session, const tickmlp_model_info& info, const Matrix& states) {
  return [=, &info, &states](std::uint64_t begin, std::uint64_t count, float* outputs, std::size_t* done) {
    return tickmlp_infer_batch(session, states.values.data() + begin * info.inputs, count, outputs, done);
  };
}

using PlaceState = std::function<tickmlp_status(std::uint64_t state, const float** newest)>;

// `place` makes the window hold a state's older rows and gives its newest, which is ticked.
Score by_ticks(tickmlp_window* window, const tickmlp_model_info& info, PlaceState place) {
  return [=, &info](std::uint64_t begin, std::uint64_t count, float* outputs, std::size_t* done) {
    for (*done = 0; *done < count; ++*done) {
      const float* newest = nullptr;
      if (const tickmlp_status s = place(begin + *done, &newest)) return s;
      float* output = outputs + *done * info.outputs;
      if (const tickmlp_status s = tickmlp_window_tick(window, newest, info.window_columns, output, info.outputs))
        return s;
    }
    return TICKMLP_OK;
  };
}

// Each state alone: its older rows by reset.
Score tick_path(tickmlp_window* window, const tickmlp_model_info& info, const Matrix& states) {
  return by_ticks(window, info, [=, &info, &states](std::uint64_t state, const float** newest) {
    const float* values = states.values.data() + state * info.inputs;
    *newest = values + info.inputs - info.window_columns;
    return tickmlp_window_reset(window, values, info.inputs);
  });
}

// A history of rows, as a live system meets it: one reset, then a bar closes before each further row.
Score replay_path(tickmlp_window* window, const tickmlp_model_info& info, const Matrix& history) {
  return by_ticks(window, info, [=, &info, &history](std::uint64_t state, const float** newest) {
    *newest = history.values.data() + (state + info.window_rows - 1) * info.window_columns;
    return state == 0 ? tickmlp_window_reset(window, history.values.data(), info.inputs)
                      : tickmlp_window_advance(window);
  });
}

// How many windows a history holds.
std::uint64_t windows_in(const Matrix& history, const tickmlp_model_info& info, const std::string& name) {
  if (history.rows < info.window_rows)
    refuse(name + ": " + std::to_string(history.rows) + " rows; expected at least " + std::to_string(info.window_rows) +
           ", the model's window");
  return history.rows - info.window_rows + 1;
}

// False when interrupted.
bool score_all(std::uint64_t states, const Score& score, const tickmlp_model_info& info, const std::string& name,
               std::vector<float>* outputs) {
  outputs->resize(states * info.outputs);
  for (std::uint64_t begin = 0; begin < states; begin += kBatch) {
    if (g_interrupt_signal != 0) return false;
    const std::uint64_t count = std::min(kBatch, states - begin);
    std::size_t done = 0;
    const tickmlp_status status = score(begin, count, outputs->data() + begin * info.outputs, &done);
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
  const bool replay = options.path == "replay", ticks = replay || options.path == "tick";
  const Window window = ticks ? open_window(model, non_finite) : nullptr;
  const Session session = open_session(model, non_finite);
  const Matrix input = read_npy(options.input, replay ? info.window_columns : info.inputs);
  const std::uint64_t states = replay ? windows_in(input, info, printable(options.input)) : input.rows;

  std::vector<float> outputs;
  const auto start = std::chrono::steady_clock::now();
  const Score score = replay  ? replay_path(window.get(), info, input)
                      : ticks ? tick_path(window.get(), info, input)
                              : full_path(session.get(), info, input);
  const bool whole = score_all(states, score, info, printable(options.input), &outputs);
  const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  if (!whole) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was written"};

  const std::string_view bytes(reinterpret_cast<const char*>(outputs.data()), outputs.size() * sizeof(float));
  write_atomically(options.output, {npy_header(states, info.outputs), bytes});
  tickmlp_counters counters{};
  if (ticks) tickmlp_window_counters(window.get(), &counters);
  else tickmlp_session_counters(session.get(), &counters);
  std::string text = with_commas(states) + " states, " + fixed_point(ns / static_cast<double>(states), 0) +
                     " ns/state with " + info.kernel + ", " + with_commas(counters.clipped) + " inputs clipped";
  if (counters.flushed != 0) text += ", " + with_commas(counters.flushed) + " flushed";
  print(text + " -> " + printable(options.output) + "\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
