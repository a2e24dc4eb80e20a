// SPDX-License-Identifier: Apache-2.0
#include "certify/preconditions.h"

#include <algorithm>
#include <filesystem>

#include "certify/evidence_files.h"
#include "certify/reference.h"
#include "certify/signature.h"
#include "cli.h"
#include "input_file.h"
#include "output_file.h"

namespace tickmlp::bench {
namespace {

// As `a/../b`, `./b` and links to `b` are one file, whether it is there or not.
std::string one_name(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  return error ? path : whole.string();
}

}  // namespace

void check_files(const CertifyOptions& options) {
  std::vector<std::string> outputs;
  if (!options.json.empty()) {
    if (!is_plain_text(std::filesystem::path(options.json).filename().native()))
      wrong_usage("--json " + printable(options.json) +
                  ": the certificate names the files beside it, as text; expected a file name in UTF-8");
    outputs = evidence_paths(options.json, planned_scenarios(options.plan, true));
    outputs.insert(outputs.begin(), options.json);  // the name that the user gave, for the first complaint
    // Without a key an old signature is taken away.
    if (!options.sign_key.empty() || file_exists(options.json + ".sig")) outputs.push_back(options.json + ".sig");
  }
  if (!options.html.empty()) outputs.push_back(options.html);
  std::vector<std::string> seen;
  for (const std::string& path : outputs) {
    if (std::find(seen.begin(), seen.end(), one_name(path)) != seen.end())
      wrong_usage("two files of this certificate would be " + printable(path) + "; expected different names");
    seen.push_back(one_name(path));
    check_target(path,
                 {options.blob, options.input, options.reference, reference_beside(options.blob), options.sign_key});
  }
  if (!options.sign_key.empty()) read_private_key(options.sign_key);
}

void check_sessions(const Plan& plan, const std::vector<int>& cores) {
  for (const Scenario& scenario : plan.scenarios)
    if (scenario.sessions > cores.size())
      wrong_usage("--scenario " + scenario.name + ": this process may run on " + std::to_string(cores.size()) +
                  (cores.size() == 1 ? " core only" : " cores only"));
}

std::vector<int> session_cores(const Plan& plan, const std::vector<int>& cores) {
  std::uint32_t most = 0;
  for (const Scenario& scenario : plan.scenarios)
    if (scenario.several()) most = std::max(most, static_cast<std::uint32_t>(scenario.sessions));
  return {cores.end() - std::min<std::ptrdiff_t>(most, std::ssize(cores)), cores.end()};
}

void check_budgets(const CertifyOptions& options, bool ticks) {
  std::vector<std::string> planned = planned_scenarios(options.plan, ticks);
  if (options.soak) planned.push_back(kSoakId);
  for (const Budget& budget : options.budgets) {
    if (std::find(planned.begin(), planned.end(), budget.scenario) != planned.end()) continue;
    std::string all;
    for (const std::string& id : planned) all += (all.empty() ? "" : ", ") + id;
    wrong_usage("a budget for " + budget.scenario + ", which would not be measured (" +
                (budget.scenario == kSoakId ? "--soak 10m measures it"
                 : ticks                    ? "--scenario and --suite choose"
                                            : "the model has no window, so there is no tick path") +
                "); expected one of " + all);
  }
}

}  // namespace tickmlp::bench
