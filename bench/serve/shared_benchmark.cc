// SPDX-License-Identifier: Apache-2.0
// tickmlp-shared-bench: round trips through the shared memory of a running `tickmlp serve`, beside calls of the same
// model in this process, in turns.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "cli.h"
#include "model.h"
#include "options.h"
#include "serve/bare_exchange.h"
#include "serve/cache_line.h"
#include "serve/client/tickmlp_client.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kTurn = 2'000;  // samples of one system, then of the other

struct Options {
  std::string socket, blob, name;
  int core = 1;
  int server_core = -1;
  std::uint64_t samples = 200'000;
  std::uint32_t states = 1;  // of a request
  std::uint64_t gap_ns = 0;  // between the end of a call and the next
  bool ticks = false;        // of a window, in place of whole states
  bool json = false;
};

struct ClientClose {
  void operator()(tickmlp_client* client) const { tickmlp_client_close(client); }
};
using Client = std::unique_ptr<tickmlp_client, ClientClose>;

[[noreturn]] void fail_client(tickmlp_client_status status, const char* message) {
  refuse(std::string(tickmlp_client_status_name(status)) + ": " + message);
}

Client attach(const Options& options, std::size_t input_floats, std::size_t output_floats) {
  tickmlp_client_options wanted{};
  wanted.input_floats = static_cast<std::uint32_t>(input_floats);
  wanted.output_floats = static_cast<std::uint32_t>(output_floats);
  tickmlp_client* client = nullptr;
  tickmlp_client_error error{};
  if (const auto status = tickmlp_client_open(options.socket.c_str(), &wanted, &client, &error))
    fail_client(status, error.message);
  return Client(client);
}

struct Times {
  tickmlp_recorder recorder;
  Times() { tickmlp_recorder_reset(&recorder); }
};

// What no round trip can beat.
struct Floors {
  Times line, exchange;
};

template <class Call>
void turn(const tickmlp_clock& clock, const Options& options, const std::vector<float>& states, std::size_t floats,
          tickmlp_recorder* recorder, const Call& call) {
  for (std::uint64_t i = 0; i < kTurn && g_interrupt_signal == 0; ++i) {
    const float* inputs = states.data() + i % (states.size() / floats) * floats;
    for (std::size_t k = 0; k < floats; k += 16) static_cast<void>(*static_cast<const volatile float*>(inputs + k));
    const std::uint64_t begin = tickmlp_clock_begin();
    call(inputs);
    const std::uint64_t end = tickmlp_clock_end();
    tickmlp_recorder_record(recorder, tickmlp_clock_ns(&clock, end - begin));
    while (options.gap_ns != 0 && tickmlp_clock_ns(&clock, tickmlp_clock_begin() - end) < options.gap_ns) {
    }
  }
}

nlohmann::json figures(const std::string& what, const tickmlp_recorder& from) {
  return {{"what", what},
          {"count", from.count},
          {"central_ns", tickmlp_recorder_central(&from)},
          {"min_ns", from.minimum},
          {"p50_ns", tickmlp_recorder_percentile(&from, 50, 100)},
          {"p90_ns", tickmlp_recorder_percentile(&from, 90, 100)},
          {"p99_ns", tickmlp_recorder_percentile(&from, 99, 100)},
          {"p99_9_ns", tickmlp_recorder_percentile(&from, 999, 1000)},
          {"max_ns", from.maximum}};
}

void show(const nlohmann::json& document) {
  std::vector<std::vector<std::string>> rows{{"", "central", "min", "p50", "p90", "p99", "p99.9", "max"}};
  for (const nlohmann::json& one : document["systems"]) {
    std::vector<std::string> row{one["what"], fixed_point(one["central_ns"], 0)};
    for (const char* field : {"min_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"})
      row.push_back(with_commas(one[field]));
    rows.push_back(std::move(row));
  }
  print(document["model"].get<std::string>() + ", " + std::to_string(document["states"].get<int>()) +
        (document["path"] == "tick" ? " tick" : " state(s)") + " a request, ns, in turns of " + with_commas(kTurn) +
        ":\n" + columns(rows, 2, 1) + "  ratio of p50 " + fixed_point(document["p50_ratio"], 2) + ", difference " +
        std::to_string(document["p50_difference_ns"].get<std::int64_t>()) + " ns\n");
}

// Both systems in turns, after a look whether they agree. `inputs` is 64 questions of `floats` each.
template <class InProcess, class ThroughRing>
int take_turns(const Options& options, const tickmlp_clock& clock, const std::string& name, std::size_t floats,
               const std::vector<float>& inputs, const Floors& floors, const InProcess& in_process,
               const ThroughRing& shared) {
  Times of_ours, of_shared, warm;
  turn(clock, options, inputs, floats, &warm.recorder, shared);
  while (of_shared.recorder.count < options.samples && g_interrupt_signal == 0) {
    turn(clock, options, inputs, floats, &of_ours.recorder, in_process);
    turn(clock, options, inputs, floats, &of_shared.recorder, shared);
  }
  nlohmann::json document{{"model", name},
                          {"path", options.ticks ? "tick" : "full"},
                          {"states", options.states},
                          {"gap_ns", options.gap_ns}};
  document["systems"] = {figures("in process", of_ours.recorder), figures("shared memory", of_shared.recorder)};
  if (floors.exchange.recorder.count != 0)
    document["systems"].push_back(figures("bare exchange", floors.exchange.recorder));
  if (options.server_core >= 0)
    document["systems"].push_back(figures("cache line, groups of 20", floors.line.recorder));
  const double a = document["systems"][0]["p50_ns"], b = document["systems"][1]["p50_ns"];
  document["p50_ratio"] = b / a;
  document["p50_difference_ns"] = static_cast<std::int64_t>(b - a);
  if (options.json) print(document.dump(2) + "\n");
  else show(document);
  return g_interrupt_signal == 0 ? kPass : 128 + g_interrupt_signal;
}

std::vector<float> random_floats(std::size_t count) {
  std::vector<float> out(count);
  std::mt19937 random(1);
  for (float& x : out) x = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  return out;
}

void hold(tickmlp_status status) {
  if (status != TICKMLP_OK) refuse(tickmlp_status_name(status));
}
void hold(tickmlp_client_status status) {
  if (status != TICKMLP_CLIENT_OK) fail_client(status, "no answer");
}

struct WindowFree {
  void operator()(tickmlp_window* window) const { tickmlp_window_free(window); }
};

int measure(const Options& options) {
  const tickmlp_clock clock = pin_and_calibrate(options.core);
  Floors floors;
  if (options.server_core >= 0) time_cache_line(clock, options.server_core, &floors.line.recorder);
  const Model model = load_model(options.blob, "");
  const Session session = open_session(model);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const std::size_t floats = std::size_t{options.states} * info.inputs,
                    out = std::size_t{options.states} * info.outputs;
  const std::vector<float> states = random_floats(64 * floats);
  std::vector<float> ours(out), theirs(out);
  const auto infer = [&](const float* inputs, float* outputs) {
    hold(options.states == 1 ? tickmlp_infer(session.get(), inputs, info.inputs, outputs, info.outputs)
                             : tickmlp_infer_batch(session.get(), inputs, options.states, outputs, nullptr));
  };
  if (options.server_core >= 0 && !options.ticks)
    time_bare_exchange(clock, options.server_core, states, floats, out, infer, &floors.exchange.recorder);
  const Client client = attach(options, floats, out);
  tickmlp_client_model remote{};
  tickmlp_client_error error{};
  const std::string name = options.name.empty() ? info.name : options.name;
  if (const auto status = tickmlp_client_find(client.get(), name.c_str(), 0, kSecond, &remote, &error))
    fail_client(status, error.message);
  if (remote.inputs != info.inputs || remote.outputs != info.outputs)
    refuse("the server's " + name + " has another shape than " + printable(options.blob));

  const auto agree = [&](std::size_t size, const auto& in_process, const auto& shared) {
    for (std::size_t i = 0; i < 64; ++i) {
      in_process(states.data() + i * size), shared(states.data() + i * size);
      if (std::memcmp(ours.data(), theirs.data(), out * sizeof(float)) != 0) refuse("the answers differ");
    }
  };
  if (!options.ticks) {
    const auto in_process = [&](const float* inputs) { infer(inputs, ours.data()); };
    const auto shared = [&](const float* inputs) {
      hold(tickmlp_client_infer(client.get(), remote.handle, inputs, options.states, theirs.data(), kSecond, nullptr));
    };
    agree(floats, in_process, shared);
    return take_turns(options, clock, name, floats, states, floors, in_process, shared);
  }
  tickmlp_window* made = nullptr;
  std::uint32_t window = 0;
  hold(tickmlp_window_create(model.get(), nullptr, &made, nullptr));
  const std::unique_ptr<tickmlp_window, WindowFree> here(made);
  hold(tickmlp_client_window_open(client.get(), remote.handle, 0, &window, &error));
  hold(tickmlp_window_reset(made, states.data(), info.inputs));
  hold(tickmlp_client_window_reset(client.get(), window, states.data(), kSecond, nullptr));
  const auto in_process = [&](const float* row) {
    hold(tickmlp_window_tick(made, row, info.window_columns, ours.data(), info.outputs));
  };
  const auto shared = [&](const float* row) {
    hold(tickmlp_client_window_tick(client.get(), window, row, theirs.data(), kSecond, nullptr));
  };
  agree(info.window_columns, in_process, shared);
  return take_turns(options, clock, name, info.window_columns, states, floors, in_process, shared);
}

int start(int count, char** words) {
  Options options;
  CLI::App app("Round trips through the shared memory of `tickmlp serve`, beside calls in this process");
  app.add_option("socket", options.socket, "Its --shared-memory")->required()->type_name("SOCKET");
  app.add_option("blob", options.blob, "The same model's file")->required()->type_name("BLOB");
  app.add_option("--name", options.name, "The model's name there; default: the name in the blob")->type_name("NAME");
  app.add_option("--core", options.core, "Core of this program; not the server's")
      ->capture_default_str()
      ->check(whole_number(0, 4095));
  app.add_option("--server-core", options.server_core,
                 "Its --shared-core: what no round trip can beat is timed there too")
      ->check(whole_number(0, 4095));
  app.add_option("--samples", options.samples, "Of each")->capture_default_str()->check(whole_number(1, 1 << 30));
  app.add_option("--states", options.states, "Of one request")->capture_default_str()->check(whole_number(1, 1024));
  app.add_flag("--ticks", options.ticks, "Ticks of a window in place of whole states")->excludes("--states");
  app.add_option("--gap-ns", options.gap_ns, "From an answer to the next request")->check(whole_number(0, 1 << 30));
  app.add_flag("--json", options.json, "As JSON");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  prepare_process();
  catch_interrupts();
  return measure(options);
}

}  // namespace
}  // namespace tickmlp::bench

int main(int count, char** words) {
  try {
    return tickmlp::bench::start(count, words);
  } catch (const tickmlp::bench::Failure& failure) {
    std::fprintf(stderr, "tickmlp-shared-bench: %s\n", failure.message.c_str());
    return failure.exit_code;
  }
}
