// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp page`.
#include "options.h"
#include "page/page.h"

namespace tickmlp::bench {

void add_page(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<PageOptions>();
  CLI::App* command = app->add_subcommand("page", "A certificate as one HTML file for people");
  command->add_option("certificate", options->certificate, "What `tickmlp certify --json` wrote")
      ->required()
      ->type_name("CERT.json");
  command->add_option("-o,--output", options->output, "Write the page here")->required()->type_name("OUT.html");
  command->footer(footer("  tickmlp page report.json -o report.html"));
  command->callback([=] { *action = [=] { return page(*options); }; });
}

}  // namespace tickmlp::bench
