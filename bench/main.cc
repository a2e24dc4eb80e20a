// SPDX-License-Identifier: Apache-2.0
// The command line of `tickmlp`: options and help. What each command does stands in its own file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <new>

#include "cli.h"
#include "options.h"
#include "tickmlp.h"

namespace tickmlp::bench {
namespace {

// In the order of --help.
constexpr AddCommand* kCommands[] = {
    add_certify,       //
    add_verify,        //
    add_page,          //
    add_history,       //
    add_compare,       //
    add_monitor,       //
    add_team,          //
    add_swap,          //
    add_shadow,        //
    add_run,           //
    add_throughput,    //
    add_descriptions,  //
    add_doctor,        //
    add_growth,        //
#if TICKMLP_HAVE_WATCH
    add_watch,
#endif
#if TICKMLP_HAVE_SERVE
    add_serve,
#endif
};

std::string names_of_commands(const CLI::App& app) {
  std::string names;
  for (const CLI::App* command : app.get_subcommands({})) names += (names.empty() ? "" : ", ") + command->get_name();
  return names;
}

// CLI11 says "--core: At Most 1 required but received 2" of an option that is there twice.
std::string words_of(const CLI::ParseError& error) {
  const std::string text = error.what();
  const std::size_t at = text.find(": At Most 1 required but received ");
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr || at == std::string::npos) return text;
  return text.substr(0, at) + " is given " + text.substr(text.rfind(' ') + 1) + " times; expected once at most";
}

int parse_and_run(int count, char** words) {
  CLI::App app("Inference of tiny neural networks in about a microsecond, and the proof of it.", "tickmlp");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tickmlp " + std::string(tickmlp_version()));
  app.footer(footer("  tickmlp certify weights/tactical-int8.blob --budget p99=1us\n  tickmlp run model.blob --input "
                    "states.npy --output scores.npy") +
             "\n`tickmlp COMMAND --help` has more on each command.");
  Action action;
  for (const auto add : kCommands) add(&app, command_line("tickmlp", count - 1, words + 1), &action);
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
      wrong_usage("unknown command " + printable(words[1]) + ": expected one of " + names_of_commands(app));
    wrong_usage(words_of(error) + "\nRun with --help for more information.");
  }
  refuse_empty_values(app);
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
