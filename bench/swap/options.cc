// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp swap`.
#include "options.h"
#include "swap/swap.h"

namespace tickmlp::bench {

void add_swap(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<SwapOptions>();
  CLI::App* command = app->add_subcommand("swap", "Measure readers while new models are published, and while none are");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--rate", options->rate, "Publications a second (default: 100)")->check(whole_number(1, 10'000));
  command->add_flag("--load", options->load, "Load the file anew for each publication, and free it afterwards");
  command->add_option("--epochs", options->epochs, "Turns of with and without (default: 20)")
      ->check(whole_number(1, 100'000));
  command->add_option("--block", options->block_ms, "Milliseconds of each block (default: 200)")
      ->check(whole_number(10, 60'000));
  command->add_option("--core", options->core, "The reader's core (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--publisher-core", options->publisher_core, "The publisher's (default: another allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--json", options->json, "Write the figures here")->type_name("OUT");
  command->footer(
      footer("  tickmlp swap weights/tactical-int8.blob\n"
             "  tickmlp swap model.blob --rate 1000 --load --epochs 50 --json swap.json"));
  command->callback([=] {
    options->command = command_line;
    *action = [=] { return swap(*options); };
  });
}

}  // namespace tickmlp::bench
