// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp throughput`.
#include "commands.h"
#include "options.h"

namespace tickmlp::bench {

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

}  // namespace tickmlp::bench
