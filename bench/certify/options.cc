// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp certify`.
#include "certify/budget_file.h"
#include "certify/certify.h"
#include "cli.h"
#include "options.h"
#include "output_file.h"

namespace tickmlp::bench {

void add_certify(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<CertifyOptions>();
  CLI::App* command = app->add_subcommand("certify", "Measure a model on one core and say whether it meets its budget");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--core", options->core, "Core to pin to (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--samples", options->samples, "Timed calls (default: 200000; p99.99 needs 36888)")
      ->check(whole_number(1, 10'000'000'000));
  command->add_option("--epochs", options->epochs, "Blocks to spread them over (default: 20)")
      ->check(whole_number(1, 100'000));
  CLI::Option* warm_up =
      command->add_option("--warm-up", options->warm_up, "Untimed calls first (default: 50000, at most 0.25 s)")
          ->check(whole_number(0, 10'000'000'000));
  command
      ->add_option("--input", options->input,
                   "float32 .npy file [states, inputs] to cycle through, 4096 states at most "
                   "(default: the blob's golden vectors)")
      ->type_name("STATES.npy");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  const auto budgets = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--budget", *budgets,
                   "[SCENARIO:]FIGURE=TIME, several allowed. Figures: central mean min p50 p90 p95 p99 p99.9\n"
                   "p99.99 p99.999 max; units: ns us ms s; scenarios: full-hot, tick-evicted, full-spaced-100us ...\n"
                   "(without one: the hot one of --path)")
      ->type_name("p99=1us")
      ->expected(1)
      ->take_all();
  const auto budget_files = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--budget-file", *budget_files,
                   "Budgets in a file: a table for each scenario, such as [full-hot], with p99 = \"1us\" in it")
      ->type_name("FILE.toml|FILE.json")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--path", options->path,
                   "Which path a budget without SCENARIO is for: full (default), or tick. Both are measured where the "
                   "model has a window")
      ->check(CLI::IsMember({"full", "tick"}));
  const auto scenarios = std::make_shared<std::string>(kDefaultScenarios);
  command
      ->add_option(
          "--scenario", *scenarios,
          "Cold regimes to measure beside the hot one: hot (nothing beside it), all (35 s), or some of\n"
          "spaced-1us ... spaced-10ms (gaps between calls; 1, 10, 100 us, 1, 10 ms), touched-1ms, touched-10ms\n"
          "(the same, the model touched every 50 us), evicted (each cache line flushed), evicted-data (code left),\n"
          "evicted-walk (by reading a large buffer)\n"
          "(default: spaced-100us,evicted)")
      ->type_name("NAME,...");
  command->add_option("--json", options->json, "Write the certificate here")->type_name("OUT");
  command->footer(
      footer("  tickmlp certify weights/tactical-int8.blob --core 3\n"
             "  tickmlp certify weights/tactical-int8.blob --scenario spaced-10ms,touched-10ms\n"
             "  tickmlp certify weights/tactical-int8.blob --budget p99=1us,p99.9=5us --json report.json"));
  command->callback([=] {
    options->warm_up_given = warm_up->count() > 0;
    for (const std::string& text : *budgets)
      if (const std::string wrong = parse_budgets(text, options->path + "-hot", &options->budgets); !wrong.empty())
        wrong_usage("--budget " + wrong);
    for (const std::string& file : *budget_files) {
      if (!options->json.empty()) check_target(options->json, {file});  // a report must not replace its budgets
      read_budget_file(file, &options->budgets);
    }
    if (const std::string wrong = parse_scenarios(*scenarios, &options->scenarios); !wrong.empty())
      wrong_usage("--scenario " + wrong);
    options->command = command_line;
    *action = [=] { return certify(*options); };
  });
}

}  // namespace tickmlp::bench
