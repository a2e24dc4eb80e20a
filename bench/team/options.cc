// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp team`.
#include <algorithm>

#include "cli.h"
#include "commands.h"
#include "options.h"

namespace tickmlp::bench {

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

}  // namespace tickmlp::bench
