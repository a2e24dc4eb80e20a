// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp doctor`.
#include "commands.h"
#include "options.h"

namespace tickmlp::bench {

void add_doctor(CLI::App* app, const std::string&, Action* action) {
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

}  // namespace tickmlp::bench
