// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp soak`.
#include <map>

#include "cli.h"
#include "options.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

constexpr double kShortestSeconds = 0.01, kLongestSeconds = 30 * 86'400.0;

void check_span(const char* option, double seconds) {
  if (!(seconds >= kShortestSeconds && seconds <= kLongestSeconds))
    wrong_usage(std::string(option) + ": expected a time from 10ms to 720h, such as 10m");
}

}  // namespace

void add_soak(CLI::App* app, const std::string& command_line, Action* action) {
  const auto options = std::make_shared<SoakOptions>();
  const auto budgets = std::make_shared<std::vector<std::string>>();
  const auto arrivals = std::make_shared<std::string>("poisson"), path = std::make_shared<std::string>("full");
  const CLI::AsNumberWithUnit time(std::map<std::string, double>{{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}},
                                   CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME");
  CLI::App* command =
      app->add_subcommand("soak", "Keep a model under load and watch it: percentiles over time, memory, alerts");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--duration", options->plan.seconds, "How long, in ms, s, m or h (default: 10m)")
      ->transform(time);
  command
      ->add_option("--interval", options->plan.interval_seconds,
                   "Percentiles of each so long (default: 1s; longer where there would be more than 600)")
      ->transform(time);
  command
      ->add_option(
          "--rate", options->plan.per_second,
          "Calls a second at planned times, response time from the plan\n(default: back to back, service time)")
      ->check(whole_number(1, 1'000'000));
  command->add_option("--arrivals", *arrivals, "With --rate: poisson (default) or constant")
      ->check(CLI::IsMember({"poisson", "constant"}));
  command->add_option("--path", *path, "full (default) or tick")->check(CLI::IsMember({"full", "tick"}));
  command->add_option("--budget", *budgets, "FIGURE=TIME as in certify, of each interval: above it is an alert")
      ->type_name("p99=1us")
      ->expected(1)
      ->take_all();
  command->add_option("--core", options->core, "Core to pin to (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command
      ->add_option("--input", options->input,
                   "float32 .npy file [states, inputs] to cycle through; states that are not finite make calls fail,\n"
                   "which is counted (default: the blob's golden vectors)")
      ->type_name("STATES.npy");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--json", options->json, "Write the report here")->type_name("OUT");
  command->footer(
      footer("  tickmlp soak weights/tactical-int8.blob --duration 10m --core 3\n"
             "  tickmlp soak weights/tactical-int8.blob --duration 1h --rate 100000 --budget p99=5us "
             "--json soak.json\n"
             "Alerts are JSON lines on standard error: p99 of an interval above 1 ms, a budget exceeded, "
             "more than\n1 % of calls failed, a queue that never drained. Exit 1 when one became critical."));
  command->callback([=] {
    check_span("--duration", options->plan.seconds);
    check_span("--interval", options->plan.interval_seconds);
    for (const std::string& text : *budgets)
      if (const std::string wrong = parse_budgets(text, "soak", &options->plan.budgets); !wrong.empty())
        wrong_usage("--budget " + wrong);
    options->plan.arrivals = *arrivals == "constant" ? Arrivals::kConstant : Arrivals::kPoisson;
    options->plan.tick = *path == "tick";
    options->command = command_line;
    *action = [=] { return soak_command(*options); };
  });
}

}  // namespace tickmlp::bench
