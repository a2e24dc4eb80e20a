// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp history`.
#include "history/history.h"
#include "options.h"

namespace tickmlp::bench {

void add_history(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<HistoryOptions>();
  CLI::App* command = app->add_subcommand("history", "The certificates of a folder over time");
  command->add_option("folder", options->folder, "Folder with certificates (*.json)")->required()->type_name("DIR");
  command->add_option("--html", options->html, "Write a page with charts here")->type_name("OUT.html");
  command->add_flag("--json", options->json, "As JSON");
  command->footer(footer("  tickmlp history certificates\n  tickmlp history certificates --html history.html") +
                  "\nEach certificate is checked as verify does. history exits with 0, or with 1 when one is invalid.");
  command->callback([=] { *action = [=] { return show_history(*options); }; });
}

}  // namespace tickmlp::bench
