// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp certify` and `tickmlp verify`.
#include <algorithm>

#include "certify/budget_file.h"
#include "certify/certify.h"
#include "certify/verify.h"
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "output_file.h"
#include "soak/soak_options.h"

namespace tickmlp::bench {

namespace {

// What the options change in a suite's plan.
struct PlanOptions {
  std::string suite = "quick", scenarios;
  std::uint64_t runs = 0, samples = 0, epochs = 0, warm_up = 0;
  CLI::Option *warm_up_option = nullptr, *scenario_option = nullptr;
};

void add_plan_options(CLI::App* command, PlanOptions* plan) {
  command->add_option("--suite", plan->suite, "quick (10 s, the default), standard (a minute) or full (10 minutes)")
      ->check(CLI::IsMember({"quick", "standard", "full"}));
  plan->scenario_option =
      command
          ->add_option(
              "--scenario", plan->scenarios,
              "Instead of the suite's scenarios these; hot is always among them. hot, all (every one without "
              "arrivals),\n"
              "spaced-1us ... spaced-10ms (gaps between calls; 1, 10, 100 us, 1, 10 ms), touched-1ms, touched-10ms\n"
              "(the same, the model touched every 50 us), evicted (each cache line flushed), evicted-data (code "
              "left),\n"
              "evicted-walk (by reading a large buffer), response-constant-RATE, response-poisson-RATE (counted from "
              "the\n"
              "planned arrival; RATE 1k to 1m a second), sessions-N (on N cores at once)")
          ->type_name("NAME,...");
  command->add_option("--runs", plan->runs, "Whole re-runs, the model loaded anew in each (a verdict needs 5)")
      ->check(whole_number(1, 1'000));
  command->add_option("--samples", plan->samples, "Hot calls of each kind, in all (p99.99 needs 36888)")
      ->check(whole_number(1, 10'000'000'000));
  command->add_option("--epochs", plan->epochs, "Blocks to spread each re-run over")->check(whole_number(1, 100'000));
  plan->warm_up_option =
      command->add_option("--warm-up", plan->warm_up, "Untimed calls first (default: 50000, at most 0.25 s)")
          ->check(whole_number(0, 10'000'000'000));
}

Plan plan_of(const PlanOptions& options) {
  Plan plan = suite_plan(options.suite, allowed_cores().size()).front();
  if (options.scenario_option->count() > 0) {
    plan.scenarios.clear();
    if (const std::string wrong = parse_scenarios(options.scenarios, &plan.scenarios); !wrong.empty())
      wrong_usage("--scenario " + wrong);
  }
  if (options.samples != 0) plan.samples = options.samples;
  if (options.runs != 0) plan.runs = options.runs;
  if (options.epochs != 0) plan.epochs = options.epochs;
  if (options.warm_up_option->count() > 0) plan.warm_up = options.warm_up, plan.warm_up_seconds = 0;
  plan.runs = std::min(plan.runs, plan.samples);
  plan.epochs = std::min(plan.epochs, plan.samples / plan.runs);
  return plan;
}

}  // namespace

CLI::App* add_certify_with(CLI::App* app, const std::string& command_line, std::shared_ptr<ComparatorSource> others,
                           Action* action) {
  const auto options = std::make_shared<CertifyOptions>();
  options->others = std::move(others);
  const auto plan = std::make_shared<PlanOptions>();
  CLI::App* command = app->add_subcommand("certify", "Measure a model on one core and say whether it meets its budget");
  command->add_option("blob", options->blob, "Model file")->required()->type_name("BLOB");
  command->add_option("--core", options->core, "Core to pin to (default: the last allowed one)")
      ->check(whole_number(0, 8191));
  add_plan_options(command, plan.get());
  command
      ->add_option("--input", options->input,
                   "float32 .npy file [states, inputs] to cycle through, 4096 states at most "
                   "(default: the blob's golden vectors)")
      ->type_name("STATES.npy");
  command
      ->add_option("--reference", options->reference,
                   "float32 blob of the same model: the largest errors and argmax agreement against it go into\n"
                   "the certificate, over the same states")
      ->type_name("FLOAT32.blob");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  const auto soak = std::make_shared<SoakOptions>();
  add_soak_options(command, soak.get());
  const auto budgets = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("--budget", *budgets,
                   "[SCENARIO:]FIGURE=TIME, several allowed. Figures: central mean min p50 p90 p95 p99 p99.9\n"
                   "p99.99 p99.999 max; units: ns us ms s; scenarios: full-hot, tick-evicted, full-spaced-100us,\n"
                   "soak (each of its intervals) ... "
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
  const auto path = std::make_shared<std::string>("full");
  command
      ->add_option(
          "--path", *path,
          "Which path a budget without SCENARIO and --soak are for: full (default), or tick. Both are measured "
          "where the\nmodel has a window")
      ->check(CLI::IsMember({"full", "tick"}));
  command
      ->add_option("--json", options->json,
                   "Write the certificate here, and its evidence beside it (OUT without .json, and .hlog, .hgrm)")
      ->type_name("OUT.json");
  command
      ->add_option("--sign", options->sign_key,
                   "Ed25519 key (PEM, openssl genpkey -algorithm ed25519) to sign OUT.json with, into OUT.json.sig")
      ->type_name("KEY.pem");
  command->add_option("--html", options->html, "Write the certificate's page for people here")->type_name("OUT.html");
  command->footer(
      footer("  tickmlp certify weights/tactical-int8.blob --core 3\n"
             "  tickmlp certify weights/tactical-int8.blob --scenario spaced-10ms,touched-10ms\n"
             "  tickmlp certify weights/tactical-int8.blob --soak 10m --soak-rate 100000 --budget soak:p99=5us\n"
             "  tickmlp certify weights/tactical-int8.blob --budget p99=1us,p99.9=5us --json report.json"));
  command->callback([=] {
    for (const std::string& text : *budgets)
      if (const std::string wrong = parse_budgets(text, *path + "-hot", &options->budgets); !wrong.empty())
        wrong_usage("--budget " + wrong);
    for (const std::string& file : *budget_files) {
      if (!options->json.empty()) check_target(options->json, {file});  // a report must not replace its budgets
      read_budget_file(file, &options->budgets);
    }
    if (!options->sign_key.empty() && options->json.empty())
      wrong_usage("--sign needs --json: what is signed is that file");
    options->plan = plan_of(*plan);
    options->soak = soak_plan(*soak, *path == "tick", options->budgets);
    options->command = command_line;
    *action = [=] { return certify(*options); };
  });
  return command;
}

void add_certify(CLI::App* app, const std::string& command_line, Action* action) {
  add_certify_with(app, command_line, nullptr, action);
}

void add_verify(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      app->add_subcommand("verify", "Compute a certificate's figures again from its evidence, and compare");
  command->add_option("certificate", options->certificate, "What `certify --json` wrote; the evidence is beside it")
      ->required()
      ->type_name("CERT.json");
  command->add_option("--public-key", options->public_key, "Ed25519 public key (PEM) that CERT.json.sig must fit")
      ->type_name("PUBLIC.pem");
  command->add_option("--blob", options->blob, "The model file that must be the one measured")->type_name("BLOB");
  command->add_flag("--json", options->json, "As JSON");
  command->footer(footer("  tickmlp verify report.json\n"
                         "  tickmlp verify report.json --public-key public.pem --blob weights/tactical-int8.blob") +
                  "\nverify exits with 0 when the certificate is valid, 1 when it is not.");
  command->callback([=] { *action = [=] { return verify(*options); }; });
}

}  // namespace tickmlp::bench
