// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp monitor`.
#include "monitor/monitor.h"
#include "options.h"

namespace tickmlp::bench {
void add_monitor(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<MonitorOptions>();
  CLI::App* command = app->add_subcommand("monitor", "Run a model and publish its figures for Prometheus");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--textfile", options->textfile, "Replace this file, for the node exporter's textfile collector")
      ->required()
      ->check(CLI::Validator(
          [](std::string& name) {
            return name.ends_with(".prom") ? "" : "\"" + name + "\": expected a name that ends in .prom";
          },
          "", "prom"))
      ->type_name("FILE.prom");
  command->add_option("--json", options->json, "Replace this file too, with the same as JSON")->type_name("FILE");
  command->add_option("--process", options->process, "Label `process` (default: tickmlp-monitor)")->type_name("NAME");
  command->add_option("--seconds", options->seconds, "How long (default: until interrupted)")
      ->check(whole_number(1, 1'000'000));
  command->add_option("--interval", options->interval_ns, "Between two publications (default: 1s)")
      ->transform(time_between("10ms", "3600s"))
      ->type_name("TIME");
  command->add_option("--rate", options->rate, "Calls a second (default: 1000)")->check(whole_number(1, 1'000'000));
  command->add_option("--core", options->core, "The hot thread's core (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command
      ->add_option("--shadow", options->shadow,
                   "A second model that answers the full path's questions too and is compared (docs/AB_SHADOW.md)")
      ->type_name("CANDIDATE.blob");
  const std::string drills = "Drills, to rehearse the alerts";
  command->add_option("--slow", options->slow_ns, "One call in twenty takes this much longer")
      ->transform(time_between("0ns", "10s"))
      ->type_name("TIME")
      ->group(drills);
  command->add_option("--refuse", options->refuse_percent, "Percent of the calls that get a NaN")
      ->check(whole_number(0, 100))
      ->group(drills);
  command->add_option("--clip", options->clip_percent, "Percent of the calls with an input out of range (int8)")
      ->check(whole_number(0, 100))
      ->group(drills);
  command->add_option("--shadow-sleep", options->shadow_sleep_ns, "The shadow looks for questions this rarely: drops")
      ->transform(time_between("1ms", "60s"))
      ->type_name("TIME")
      ->group(drills);
  command->footer(
      footer("  tickmlp monitor model.blob --textfile /var/lib/prometheus/node-exporter/tickmlp.prom\n"
             "  tickmlp monitor model.blob --textfile tickmlp.prom --json tickmlp.json --seconds 10 --slow 2ms"));
  command->callback([=] { *action = [=] { return monitor(*options); }; });
}

}  // namespace tickmlp::bench
