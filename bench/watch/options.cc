// SPDX-License-Identifier: Apache-2.0
// The options of `tickmlp watch`.
#include "options.h"

#include <charconv>
#include <cmath>
#include <sstream>

#include "cli.h"
#include "watch/watch.h"

namespace tickmlp::bench {

std::string read_drift_limits(const std::string& text, tickmlp_drift_limits* out) {
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    double* limit = name == "probability" ? &out->probability
                    : name == "value"     ? &out->value
                    : name == "argmax"    ? &out->argmax
                                          : nullptr;
    double number = 0;
    const char *begin = part.data() + (equals == std::string::npos ? part.size() : equals + 1),
               *end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (limit == nullptr || error != std::errc() || stop != end || !(number >= 0) || !std::isfinite(number))
      return "\"" + printable(part) + "\": expected probability=X, value=X or argmax=X";
    *limit = number;
  }
  return out->argmax > 1 ? "argmax: expected 1 at most" : "";
}

void add_watch(CLI::App* app, const std::string&, Action* action) {
  const auto options = std::make_shared<WatchOptions>();
  CLI::App* command =
      app->add_subcommand("watch", "Show what a process that watches a published folder would take or refuse, and why");
  command->add_option("folder", options->folder, "Published folder")->required()->type_name("FOLDER");
  command
      ->add_option("--public-key", options->public_key,
                   "minisign's public key, its line or its file: unsigned and wrongly signed blobs are refused")
      ->type_name("KEY|FILE");
  command->add_option("--running", options->running, "A blob in the place of the running model (default: none runs)")
      ->type_name("BLOB");
  command
      ->add_option_function<std::string>(
          "--drift", [=](const std::string& text) { read_drift_limits(text, &options->drift); },
          "Largest drift from the running model, probability=0.05,value=0.1,argmax=0.9 or some of it")
      ->check(CLI::Validator(
          [](std::string& text) {
            tickmlp_drift_limits ignored{};
            return read_drift_limits(text, &ignored);
          },
          "", "drift"))
      ->type_name("LIMITS");
  command->add_option("--least-generation", options->least_generation, "Refuse every older one")
      ->check(whole_number(0, INT64_MAX));
  command->add_flag("--forbid-rollback", options->forbid_rollback, "Refuse every rollback");
  command->add_option("--kernel", options->kernel, "Force a kernel by name (see `tickmlp kernels`)")->type_name("NAME");
  command->add_option("--period", options->period_ns, "Between two looks (default: 1s)")
      ->transform(time_between("1ms", "3600s"))
      ->type_name("TIME");
  command->add_flag("--once", options->once, "One look; exit 0: taken, or running already; exit 4: refused");
  command->add_flag("--json", options->json, "One line of JSON for each report");
  command->footer(
      footer("  tickmlp watch /srv/models/tactical --once\n"
             "  tickmlp watch /srv/models/tactical --public-key minisign.pub --running model.blob "
             "--drift probability=0.05 --once --json"));
  command->callback([=] { *action = [=] { return watch(*options); }; });
}

}  // namespace tickmlp::bench
