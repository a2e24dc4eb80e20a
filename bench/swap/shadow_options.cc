// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp shadow`.
#include "options.h"
#include "swap/shadow.h"

namespace tickmlp::bench {

void add_shadow(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<ShadowOptions>();
  CLI::App* command = app->add_subcommand("shadow", "Measure a model with and without a second one that watches");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--candidate", options->candidate, "The second model (default: the same file)")
      ->type_name("BLOB");
  command->add_option("--sample-every", options->sample_every, "Hand over one call in N (default: 1)")
      ->check(whole_number(1, 1'000'000));
  command->add_option("--capacity", options->capacity, "Calls that may wait for the shadow (default: 256)")
      ->check(whole_number(1, TICKMLP_SHADOW_CAPACITY));
  command->add_option("--gap", options->gap_ns, "Nanoseconds from one call to the next, 0: none (default: 10000)")
      ->check(whole_number(0, 1'000'000));
  command->add_option("--epochs", options->epochs, "Turns of with and without (default: 20)")
      ->check(whole_number(1, 100'000));
  command->add_option("--block", options->block_ms, "Milliseconds of each block (default: 200)")
      ->check(whole_number(10, 60'000));
  command->add_option("--core", options->core, "The primary's core (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--shadow-core", options->shadow_core, "The shadow's (default: another allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--json", options->json, "Write the figures here")->type_name("OUT");
  command->footer(
      footer("  tickmlp shadow weights/tactical-int8.blob --candidate weights/tactical-float32.blob\n"
             "  tickmlp shadow model.blob --candidate next.blob --sample-every 10 --json shadow.json"));
  command->callback([=] {
    options->command = command_line;
    *action = [=] { return shadow(*options); };
  });
}

}  // namespace tickmlp::bench
