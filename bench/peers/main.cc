// SPDX-License-Identifier: Apache-2.0
// compare_peers: the same weights and states in other systems and in ours. scripts/compare_peers prepares the files and
// runs it. Exit codes: 0 done, 2 wrong usage, 4 refused input or a system whose outputs are wrong.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "audit/box.h"
#include "certify.h"
#include "cli.h"
#include "commands.h"
#include "npy.h"
#include "../output_file.h"
#include "ours.h"
#include "report.h"
#include "timing.h"

namespace tickmlp::bench {
namespace {

struct Options {
  std::string models, weights, states, json, elsewhere;
  std::vector<std::string> names = {"tactical"};
  PeerFiles files;
  TimingPlan plan;
  int core = -1;
};

States read_states(const std::string& folder, const Network& network) {
  Matrix matrix = read_npy(folder + "/states-" + network.name + ".npy", network.inputs);
  if (matrix.rows == 0) refuse("no states in " + folder);
  return {matrix.rows, std::move(matrix.values)};
}

// Each state's newest row behind the older rows of the first: what the tick path has computed.
States ticked(const States& states, const Network& network, std::uint32_t columns) {
  States result = states;
  const std::size_t older = network.inputs - columns;
  for (std::uint64_t i = 1; i < states.count; ++i)
    std::copy_n(states.values.begin(), older, result.values.begin() + static_cast<std::ptrdiff_t>(i * network.inputs));
  return result;
}

ModelResult compare(const Options& options, const std::string& name, const tickmlp_clock& clock,
                    std::vector<Skipped>* skipped) {
  const Network network = read_network(options.models + "/" + name);
  const States states = read_states(options.states, network);
  Field field;
  const std::string blob = options.weights + "/" + name;
  add_ours(blob + "-float32.blob", network, states.values.data(), &field);
  add_ours(blob + "-int8.blob", network, states.values.data(), &field);
  Runner* const reference = field.entrants[0].runner.get();  // our float32, full path
  add_peers(network, options.files, &field);

  const std::vector<float> expected = outputs_of(reference, network, states);
  const std::vector<float> expected_ticks =
      outputs_of(reference, network, ticked(states, network, window_columns(blob + "-float32.blob")));
  ModelResult result{name, states.count, 0, {}};
  std::vector<Runner*> runners;
  for (const Entrant& entrant : field.entrants) {
    const auto& outputs = entrant.path == "tick" ? expected_ticks : expected;
    Row row{entrant.system,
            entrant.version,
            entrant.dtype,
            entrant.path,
            name,
            entrant.ours,
            check_agreement(entrant, network, states, outputs)};
    row.timed = row.agreement.wrong.empty();
    if (row.timed) runners.push_back(entrant.runner.get());
    result.rows.push_back(std::move(row));
  }

  std::vector<tickmlp_recorder> recorders;
  time_in_turns(runners, network, states, clock, options.plan, &recorders);
  result.timer_ns = tickmlp_recorder_central(&recorders[0]);
  std::size_t next = 1;
  for (Row& row : result.rows) {
    if (!row.timed) continue;
    const tickmlp_recorder& recorder = recorders[next++];
    row.central_ns = tickmlp_recorder_central(&recorder);
    row.p50_ns = tickmlp_recorder_percentile(&recorder, 1, 2);
    row.p99_ns = tickmlp_recorder_percentile(&recorder, 99, 100);
    row.count = recorder.count;
  }
  for (Skipped& entry : field.skipped) skipped->push_back(std::move(entry));
  return result;
}

int run(const Options& options) {
  if (!options.json.empty()) check_target(options.json, {});
  Comparison comparison;
  tickmlp_error error{};
  comparison.core = options.core >= 0 ? options.core : last_allowed_core();
  if (tickmlp_pin_thread(comparison.core, &error) != TICKMLP_OK) refuse(error.message);
  tickmlp_clock clock{};
  if (tickmlp_clock_calibrate(&clock, &error) != TICKMLP_OK) refuse(error.message);
  comparison.clock_step_ns = clock.step_ns;
  comparison.processor = Box().line("/proc/cpuinfo", "model name").value_or("unknown CPU");
  for (const std::string& name : options.names) {
    std::vector<Skipped> skipped;
    comparison.models.push_back(compare(options, name, clock, &skipped));
    if (comparison.models.size() == 1) comparison.skipped = std::move(skipped);  // the same for every model
    if (g_interrupt_signal != 0) return 128 + g_interrupt_signal;
  }
  if (!options.elsewhere.empty()) add_elsewhere(options.elsewhere, &comparison);
  if (!options.json.empty()) write_atomically(options.json, {comparison_json(comparison)});
  print(comparison_text(comparison));
  flush_output();
  for (const ModelResult& result : comparison.models)
    for (const Row& row : result.rows)
      if (!row.agreement.wrong.empty()) return kRefused;
  return kPass;
}

int list_peers() {
  for (const PeerName& peer : peer_names())
    print(peer.system + (peer.built ? "" : " (built without it)") + ": " + peer.package + "\n");
  flush_output();
  return kPass;
}

int parse_and_run(int count, char** words) {
  Options options;
  bool list = false;
  CLI::App app("Other systems and ours, side by side: same weights, same states, in turns on one core.",
               "compare_peers");
  app.add_flag("--list", list, "Name the peers that this program was built with");
  app.add_option("--models", options.models, "Folder of scripts/peer_models.make");
  app.add_option("--weights", options.weights, "Folder of the blobs");
  app.add_option("--states", options.states, "Folder of states-MODEL.npy");
  app.add_option("--model", options.names, "tactical (default), strategic; several allowed")
      ->check(CLI::IsMember({"tactical", "strategic"}));
  app.add_option("--onnxruntime", options.files.onnxruntime, "libonnxruntime.so.1");
  app.add_option("--elsewhere", options.elsewhere, "Rows that another process timed, as JSON");
  app.add_option("--samples", options.plan.samples, "Timed calls of each system (default: 20000)")
      ->check(CLI::Range(1, 100'000'000));
  app.add_option("--core", options.core, "Core to pin to (default: the last allowed one)")->check(CLI::Range(0, 8191));
  app.add_option("--json", options.json, "Write the report here");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) wrong_usage(error.what());
    app.exit(error);
    return kPass;
  }
  if (list) return list_peers();
  if (options.models.empty() || options.weights.empty() || options.states.empty())
    wrong_usage("expected --models, --weights and --states; scripts/compare_peers gives them");
  return run(options);
}

// OpenMP reads its variables when it is loaded, before main: start once more with them.
void want_one_thread(char** words) {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return;
  setenv("OMP_NUM_THREADS", "1", 1);
  execv("/proc/self/exe", words);
}

}  // namespace
}  // namespace tickmlp::bench

int main(int count, char** words) {
  using namespace tickmlp::bench;
  want_one_thread(words);
  prepare_process();
  catch_interrupts();
  try {
    if (count > 1 && std::string_view(words[1]) == "certify") return certify_with_peers(count, words);
    return parse_and_run(count, words);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "compare_peers: %s\n", failure.message.c_str());
    return failure.exit_code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare_peers: %s\n", error.what());
  }
  return kRefused;
}
