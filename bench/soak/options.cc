// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp certify` that begin with --soak.
#include "soak/soak_options.h"

#include "options.h"

namespace tickmlp::bench {
void add_soak_options(CLI::App* command, SoakOptions* options) {
  const CLI::Validator time = time_between("10ms", "720h", 1e9);
  CLI::Option* wanted = command->add_option("--soak", options->plan.seconds,
                                            "Afterwards keep the model under load for so long (ms, s, m or h), and "
                                            "watch its intervals\nfor alerts and growth (docs/SOAK.md)");
  wanted->transform(time)->type_name("10m");
  options->wanted = wanted;
  command
      ->add_option("--soak-interval", options->plan.interval_seconds,
                   "Length of an interval (default: 1s; longer where there would be more than 600)")
      ->transform(time)
      ->type_name("1s")
      ->needs(wanted);
  CLI::Option* rate =
      command
          ->add_option(
              "--soak-rate", options->plan.per_second,
              "Calls a second at planned times, response time from the plan\n(default: back to back, service time)")
          ->check(whole_number(1, 1'000'000))
          ->needs(wanted);
  command->add_option("--soak-arrivals", options->arrivals, "With --soak-rate: poisson (default) or constant")
      ->check(CLI::IsMember({"poisson", "constant"}))
      ->needs(rate);
}

std::optional<SoakPlan> soak_plan(const SoakOptions& options, bool tick, const std::vector<Budget>& budgets) {
  if (options.wanted->count() == 0) return std::nullopt;
  SoakPlan plan = options.plan;
  plan.arrivals = options.arrivals == "constant" ? Arrivals::kConstant : Arrivals::kPoisson;
  plan.tick = tick;
  plan.budgets = budgets_of_soak(budgets);
  return plan;
}

}  // namespace tickmlp::bench
