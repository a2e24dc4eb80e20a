// SPDX-License-Identifier: Apache-2.0
// `tickmlp sample`: load, warm up, measure back to back for a fraction of a second, print one line. `tickmlp compare`
// starts many of these, since a process is what differs: where its pages, its stack and its code came to lie moves a
// call by a few per cent, and stays the same for as long as the process lives.
#include <openssl/sha.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "commands.h"
#include "compare/compare.h"
#include "measure/timed_work.h"
#include "model.h"
#include "npy.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr int kRounds = 8;                // of timer and calls in turns
constexpr double kTimerShare = 1.0 / 16;  // of the time
constexpr std::uint64_t kRoundWarmUp = 64;
constexpr std::uint64_t kMostStates = 4096;

std::vector<float> read_states(const std::string& path, const Model& model, const tickmlp_model_info& info) {
  if (!path.empty()) {
    std::vector<float> values = read_npy(path, info.inputs).values;
    values.resize(std::min<std::size_t>(values.size(), kMostStates * info.inputs));
    return values;
  }
  const float *inputs = nullptr, *outputs = nullptr;
  const std::size_t count = tickmlp_model_golden(model.get(), &inputs, &outputs);
  return std::vector<float>(inputs, inputs + count * info.inputs);
}

template <class Work>
void call(Work* work) {
  work->prepare();
  work->timed();
}

void check(tickmlp_status status) {
  if (status != TICKMLP_OK) refuse(std::string("an inference failed: ") + tickmlp_status_name(status));
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted"};
}

// Timed regions for `seconds`; at least one.
template <class Work>
void time_for(double seconds, const tickmlp_clock& clock, Work* work, tickmlp_recorder* recorder) {
  const auto ticks = static_cast<std::uint64_t>(seconds * 1e9 / clock.ns_per_tick);
  const std::uint64_t start = tickmlp_clock_begin();
  for (std::uint64_t now = start; now - start < ticks || recorder->count == 0;) {
    work->prepare();
    const std::uint64_t begin = tickmlp_clock_begin();
    work->timed();
    now = tickmlp_clock_end();
    if (now >= begin) tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, now - begin));
    if (work->status != TICKMLP_OK || g_interrupt_signal != 0) break;
  }
  check(work->status);
}

// The outputs of every state by this path: two binaries that are compared on one blob have to agree on it.
template <class Work>
std::string digest_of_outputs(Work* work, std::uint64_t states) {
  std::vector<float> outputs;
  for (std::uint64_t i = 0; i < states; ++i) {
    call(work);
    check(work->status);
    outputs.insert(outputs.end(), work->output.begin(), work->output.end());
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(outputs.data()), outputs.size() * sizeof(float), digest);
  return hexadecimal(digest);
}

struct Times {
  tickmlp_recorder timer, calls;
};

template <class Work>
void measure_rounds(const SampleOptions& options, const tickmlp_clock& clock, Work* work, Times* times) {
  tickmlp_recorder warm_up;
  tickmlp_recorder_reset(&warm_up);
  time_for(options.seconds / 4, clock, work, &warm_up);
  tickmlp_recorder_reset(&times->timer);
  tickmlp_recorder_reset(&times->calls);
  TimerWork timer;
  for (int round = 0; round < kRounds; ++round) {
    time_for(options.seconds * kTimerShare / kRounds, clock, &timer, &times->timer);
    for (std::uint64_t i = 0; i < kRoundWarmUp; ++i) call(work);
    time_for(options.seconds * (1 - kTimerShare) / kRounds, clock, work, &times->calls);
  }
}

double four_decimals(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

int sample(const SampleOptions& options) {
  catch_interrupts();
  tickmlp_error error{};
  tickmlp_clock clock{};
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  if (const auto status = tickmlp_pin_thread(core, &error); status != TICKMLP_OK) fail("cannot sample", status, error);
  if (const auto status = tickmlp_clock_calibrate(&clock, &error); status != TICKMLP_OK)
    fail("cannot sample", status, error);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session session = open_session(model);
  const bool tick = options.path == "tick";
  const Window window = tick ? open_window(model) : nullptr;
  const std::vector<float> states = read_states(options.input, model, info);
  Subject subject{};
  subject.session = session.get();
  subject.window = window.get();
  subject.model = &info;
  subject.states = states.data();
  subject.count = states.size() / info.inputs;
  subject.clock = clock;

  Times times;
  std::string outputs;
  const auto run = [&](auto work) {
    outputs = digest_of_outputs(&work, subject.count);
    measure_rounds(options, clock, &work, &times);
  };
  if (tick) run(TickWork(subject));
  else run(FullWork(subject));

  const json line{{"schema", kSampleSchema},
                  {"kernel", info.kernel},
                  {"dtype", dtype_name(info.type)},
                  {"path", options.path},
                  {"core", core},
                  {"blob_sha256", hexadecimal(info.blob_sha256)},
                  {"outputs_sha256", outputs},
                  {"central_ns", four_decimals(tickmlp_recorder_central(&times.calls))},
                  {"p50_ns", tickmlp_recorder_percentile(&times.calls, 1, 2)},
                  {"timer_ns", four_decimals(tickmlp_recorder_central(&times.timer))},
                  {"step_ns", clock.step_ns},
                  {"count", times.calls.count}};
  print(line.dump() + "\n");
  flush_output();
  return kPass;
}

}  // namespace tickmlp::bench
