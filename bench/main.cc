// SPDX-License-Identifier: Apache-2.0
// The command line of `tickmlp`: options and help. What each command does stands in its own file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <new>

#include "cli.h"
#include "commands.h"
#include "options.h"
#include "tickmlp.h"

namespace tickmlp::bench {
namespace {

void add_certify(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<CertifyOptions>();
  CLI::App* command = app->add_subcommand("certify", "Measure a model on one core and say whether it meets its budget");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--core", options->core, "Core to pin to (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--samples", options->samples, "Timed calls (default: 200000; p99.99 needs 36888)")
      ->check(whole_number(1, 10'000'000'000));
  command->add_option("--epochs", options->epochs, "Blocks to spread them over (default: 20)")
      ->check(whole_number(1, 100'000));
  CLI::Option* warm_up =
      command->add_option("--warm-up", options->warm_up, "Untimed calls first (default: 50000, at most 0.25 s)")
          ->check(whole_number(0, 10'000'000'000));
  command
      ->add_option("--input", options->input,
                   "float32 .npy file [states, inputs] to cycle through, 4096 states at most "
                   "(default: the blob's golden vectors)")
      ->type_name("STATES.npy");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  const auto budgets = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--budget", *budgets,
                   "FIGURE=TIME, several allowed; figures: central min p50 p90 p95 p99 p99.9 "
                   "p99.99 p99.999 max, units: ns us ms s")
      ->type_name("p99=1us")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--path", options->path,
                   "Which the budgets are for: full (default), or tick. Both are measured where the model has a window")
      ->check(CLI::IsMember({"full", "tick"}));
  const auto scenarios = std::make_shared<std::string>(kDefaultScenarios);
  command
      ->add_option(
          "--scenario", *scenarios,
          "Cold regimes to measure beside the hot one: hot (nothing beside it), all (35 s), or some of\n"
          "spaced-1us ... spaced-10ms (gaps between calls; 1, 10, 100 us, 1, 10 ms), touched-1ms, touched-10ms\n"
          "(the same, the model touched every 50 us), evicted (each cache line flushed), evicted-data (code left),\n"
          "evicted-walk (by reading a large buffer)\n"
          "(default: spaced-100us,evicted)")
      ->type_name("NAME,...");
  command->add_option("--json", options->json, "Write the certificate here")->type_name("OUT");
  command->footer(
      footer("  tickmlp certify weights/tactical-int8.blob --core 3\n"
             "  tickmlp certify weights/tactical-int8.blob --scenario spaced-10ms,touched-10ms\n"
             "  tickmlp certify weights/tactical-int8.blob --budget p99=1us,p99.9=5us --json report.json"));
  command->callback([=] {
    options->warm_up_given = warm_up->count() > 0;
    for (const std::string& text : *budgets)
      if (const std::string wrong = parse_budgets(text, &options->budgets); !wrong.empty())
        wrong_usage("--budget " + wrong);
    if (const std::string wrong = parse_scenarios(*scenarios, &options->scenarios); !wrong.empty())
      wrong_usage("--scenario " + wrong);
    options->command = command_line;
    *action = [=] { return certify(*options); };
  });
}

void add_run(CLI::App* app, Action* action) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app->add_subcommand("run", "Score states from one .npy file into another");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--input", options->input, "float32 .npy file [states, inputs]")
      ->required()
      ->type_name("STATES.npy");
  command->add_option("--output", options->output, "float32 .npy file [states, outputs] to write")
      ->required()
      ->type_name("OUT.npy");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command
      ->add_option("--path", options->path,
                   "full (default): every state at once; tick: its older rows first, then the newest (same bits);\n"
                   "replay: the input is a history [bars, columns], and each window of it is scored as a live system\n"
                   "would, each bar's row by a tick, then the bar closes: [bars - rows + 1, outputs] (same bits)")
      ->check(CLI::IsMember({"full", "tick", "replay"}));
  command
      ->add_option("--non-finite", options->non_finite,
                   "NaN and infinities among the inputs: strict (default) refuses, flush changes and counts")
      ->check(CLI::IsMember({"strict", "flush"}));
  command->add_option("--mode", options->mode, "Weights copied to locked memory (default) or mapped from the file")
      ->check(CLI::IsMember({"copy", "mapped"}));
  command->footer(
      footer("  tickmlp run weights/tactical-int8.blob --input states.npy --output scores.npy\n"
             "  tickmlp run model.blob --input states.npy --output scores.npy --kernel int8-scalar\n"
             "  tickmlp run weights/tactical-int8.blob --input bars.npy --output scores.npy --path replay"));
  command->callback([=] { *action = [=] { return run(*options); }; });
}

void add_team(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<TeamOptions>();
  CLI::App* command = app->add_subcommand("team", "Measure one inference on one, two, three ... cores, in turns");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--cores", options->cores, "The caller's core, then the members'")
      ->required()
      ->delimiter(',')
      ->check(whole_number(0, 8191))
      ->type_name("N,N...");
  command->add_option("--deadline", options->deadline_ns, "Nanoseconds to wait for a member (default: 10000)")
      ->check(whole_number(1, 1'000'000'000));
  command->add_option("--samples", options->samples, "Timed calls of each row (default: 100000)")
      ->check(whole_number(1, 1'000'000'000));
  command->add_option("--epochs", options->epochs, "Blocks to spread them over (default: 20)")
      ->check(whole_number(1, 100'000));
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--json", options->json, "Write the figures here")->type_name("OUT");
  command->footer(
      footer("  tickmlp team weights/tactical-int8.blob --cores 2,3\n"
             "  tickmlp team wide.blob --cores 2,3,4,5 --deadline 20000 --json team.json"));
  command->callback([=] {
    for (auto core = options->cores.begin(); core != options->cores.end(); ++core)
      if (std::find(options->cores.begin(), core, *core) != core)
        wrong_usage("--cores names core " + std::to_string(*core) + " twice; expected each once");
    options->command = command_line;
    *action = [=] { return team(*options); };
  });
}

void add_throughput(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<ThroughputOptions>();
  options->command = command_line;
  CLI::App* command = app->add_subcommand("throughput", "Time batches beside the peak of this CPU's arithmetic");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--states", options->states, "Batch sizes, separated by commas (default: 1,64,1024)")
      ->delimiter(',')
      ->check(whole_number(1, 1'000'000))
      ->type_name("N[,N...]");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--core", options->core, "Core to pin to (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--json", options->json, "Write the figures here")->type_name("OUT");
  command->footer(
      footer("  tickmlp throughput weights/tactical-int8.blob\n"
             "  tickmlp throughput weights/tactical-float32.blob --states 64,1024 --core 1 --json throughput.json"));
  command->callback([=] { *action = [=] { return throughput(*options); }; });
}

void add_descriptions(CLI::App* app, Action* action) {
  const auto json = std::make_shared<bool>(false);
  const auto blob = std::make_shared<std::string>();
  CLI::App* kernels = app->add_subcommand("kernels", "List the kernels, what this CPU has and what is chosen");
  kernels->add_flag("--json", *json, "As JSON");
  kernels->footer(footer("  tickmlp kernels\n  tickmlp kernels --json"));
  kernels->callback([=] { *action = [=] { return list_kernels(*json); }; });

  CLI::App* inspect_command = app->add_subcommand("inspect", "Show what a blob says: shape, provenance, accuracy");
  inspect_command->add_option("blob", *blob, "Model file")->required()->type_name("BLOB");
  inspect_command->add_flag("--json", *json, "As JSON");
  inspect_command->footer(footer("  tickmlp inspect weights/tactical-int8.blob\n  tickmlp inspect model.blob --json"));
  inspect_command->callback([=] { *action = [=] { return inspect(*blob, *json); }; });
}

void add_doctor(CLI::App* app, Action* action) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = app->add_subcommand("doctor", "Audit this box: what can spoil a latency, and how to mend it");
  command->add_option("--core", options->core, "Core to look at (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--root", options->root, "Read /proc and /sys below this folder instead (a copy of another box)")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "As JSON");
  command->footer(footer("  tickmlp doctor\n  tickmlp doctor --core 3 --json") +
                  "\ndoctor exits with 0 whatever it finds.");
  command->callback([=] { *action = [=] { return doctor(*options); }; });
}

// What reproduces this run; words that a shell would split are quoted.
std::string command_line(int count, char** words) {
  std::string line = "tickmlp";
  for (int i = 1; i < count; ++i) {
    const std::string word = printable(words[i]);
    const bool plain = !word.empty() && word.find_first_of(" '\"$\\`&|;<>()*?[]#~!{}") == std::string::npos;
    line += plain ? " " + word : " '" + word + "'";
  }
  return line;
}

int parse_and_run(int count, char** words) {
  CLI::App app("Inference of tiny neural networks in about a microsecond, and the proof of it.", "tickmlp");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tickmlp " + std::string(tickmlp_version()));
  app.footer(footer("  tickmlp certify weights/tactical-int8.blob --budget p99=1us\n  tickmlp run model.blob --input "
                    "states.npy --output scores.npy") +
             "\n`tickmlp COMMAND --help` has more on each command.");
  Action action;
  add_certify(&app, command_line(count, words), &action);
  add_team(&app, command_line(count, words), &action);
  add_run(&app, &action);
  add_throughput(&app, command_line(count, words), &action);
  add_descriptions(&app, &action);
  add_doctor(&app, &action);
  add_growth(&app, command_line(count, words), &action);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {  // --help and --version
      app.exit(error);
      flush_output();
      return kPass;
    }
    const auto named = [&](const CLI::App* command) { return command->check_name(words[1]); };
    if (count > 1 && words[1][0] != '-' && app.get_subcommands(named).empty())
      wrong_usage("unknown command " + printable(words[1]) +
                  ": expected certify, team, throughput, run, kernels, inspect, doctor, profile, predict or sweep");
    wrong_usage(std::string(error.what()) + "\nRun with --help for more information.");
  }
  return action();
}

}  // namespace
}  // namespace tickmlp::bench

int main(int count, char** words) {
  using namespace tickmlp::bench;
  prepare_process();
  try {
    return parse_and_run(count, words);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "tickmlp: %s\n", failure.message.c_str());
    return failure.exit_code;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "tickmlp: out of memory\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tickmlp: %s\n", error.what());
  }
  return kRefused;
}
