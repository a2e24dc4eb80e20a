// SPDX-License-Identifier: Apache-2.0
// `tickmlp run`: score states from one .npy file into another.
#include <algorithm>
#include <chrono>

#include "cli.h"
#include "commands.h"
#include "model.h"
#include "npy.h"
#include "output_file.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kBatch = 1024;  // states between two looks at the interrupt flag

void refuse_path(const RunOptions& options, const tickmlp_model_info& info) {
  if (options.path == "full") return;
  if (info.window_rows == 0)
    wrong_usage("--path tick: the model " + printable(info.name) + " has no window, so only --path full fits it");
  wrong_usage("--path tick is not in this version of tickmlp; expected --path full");
}

// False when interrupted.
bool score(const Matrix& states, tickmlp_session* session, const tickmlp_model_info& info, const std::string& name,
           std::vector<float>* outputs) {
  outputs->resize(states.rows * info.outputs);
  for (std::uint64_t begin = 0; begin < states.rows; begin += kBatch) {
    if (g_interrupt_signal != 0) return false;
    const std::uint64_t count = std::min(kBatch, states.rows - begin);
    std::size_t done = 0;
    const tickmlp_status status = tickmlp_infer_batch(session, states.values.data() + begin * info.inputs, count,
                                                      outputs->data() + begin * info.outputs, &done);
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
  refuse_path(options, info);
  check_target(options.output, options.blob);
  const Session session = open_session(model, options.non_finite == "flush" ? TICKMLP_FLUSH : TICKMLP_STRICT);
  const Matrix states = read_npy(options.input, info.inputs);

  std::vector<float> outputs;
  const auto start = std::chrono::steady_clock::now();
  const bool whole = score(states, session.get(), info, printable(options.input), &outputs);
  const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  if (!whole) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was written"};

  const std::string_view bytes(reinterpret_cast<const char*>(outputs.data()), outputs.size() * sizeof(float));
  write_atomically(options.output, {npy_header(states.rows, info.outputs), bytes});
  tickmlp_counters counters{};
  tickmlp_session_counters(session.get(), &counters);
  std::string text = with_commas(states.rows) + " states, " + fixed_point(ns / static_cast<double>(states.rows), 0) +
                     " ns/state with " + info.kernel + ", " + with_commas(counters.clipped) + " inputs clipped";
  if (counters.flushed != 0) text += ", " + with_commas(counters.flushed) + " flushed";
  print(text + " -> " + printable(options.output) + "\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
