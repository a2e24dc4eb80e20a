// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp run`, `kernels` and `inspect`.
#include "commands.h"
#include "options.h"

namespace tickmlp::bench {

void add_run(CLI::App* app, const std::string&, Action* action) {
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

void add_descriptions(CLI::App* app, const std::string&, Action* action) {
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

}  // namespace tickmlp::bench
