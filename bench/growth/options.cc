// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp profile`, `predict` and `sweep`.
#include "growth/growth.h"
#include "options.h"

namespace tickmlp::bench {

namespace {

void add_core(CLI::App* command, int* core) {
  command->add_option("--core", *core, "Core to pin to (default: the last allowed one)")->check(whole_number(0, 8191));
}

void add_profile(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<ProfileOptions>();
  CLI::App* command = app->add_subcommand("profile", "Measure this CPU once: what `predict` needs to know (15 s)");
  command->add_option("--json", options->json, "Write the profile here")->required()->type_name("PROFILE.json");
  add_core(command, &options->core);
  command->footer(footer("  tickmlp profile --json profile.json\n  tickmlp profile --json profile.json --core 3"));
  options->command = command_line;
  command->callback([=] { *action = [=] { return profile(*options); }; });
}

void add_predict(CLI::App* app, Action* action) {
  const auto options = std::make_shared<PredictOptions>();
  CLI::App* command =
      app->add_subcommand("predict", "What a model costs on a CPU, from its profile, without running it");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--cpu-profile", options->cpu_profile, "What `tickmlp profile` wrote, here or on another machine")
      ->required()
      ->type_name("PROFILE.json");
  command->add_option("--kernel", options->kernel, "A kernel of the profile (default: the best for the model's type)")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "As JSON");
  command->footer(
      footer("  tickmlp predict weights/tactical-int8.blob --cpu-profile profile.json\n"
             "  tickmlp predict model.blob --cpu-profile profile.json --kernel int8-avx2 --json"));
  command->callback([=] { *action = [=] { return predict_command(*options); }; });
}

void add_sweep(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<SweepOptions>();
  CLI::App* command = app->add_subcommand("sweep", "Measure how cost grows with inputs and lanes, 16 to 4096 (1 min)");
  command->add_option("--json", options->json, "Write the points here")->required()->type_name("OUT");
  add_core(command, &options->core);
  command->add_option("--dtype", options->dtype, "int8 or float32 (default: both)")
      ->check(CLI::IsMember({"int8", "float32"}));
  command->add_option("--cpu-profile", options->cpu_profile, "Predict each point too, and compare")
      ->type_name("PROFILE.json");
  command->add_flag("--quick", options->quick, "A quarter of the points, fewer rounds");
  command->footer(
      footer("  tickmlp sweep --json sweep.json\n"
             "  tickmlp sweep --json sweep.json --cpu-profile profile.json"));
  options->command = command_line;
  command->callback([=] { *action = [=] { return sweep(*options); }; });
}

}  // namespace

void add_growth(CLI::App* app, const std::string& command_line, Action* action) {
  add_profile(app, command_line, action);
  add_predict(app, action);
  add_sweep(app, command_line, action);
}

}  // namespace tickmlp::bench
