// SPDX-License-Identifier: Apache-2.0
// Two stored certificates. They were measured at different times, so their times say little: each scenario is
// compared by its ratio to the memory floor of its own re-run, and by that re-run's timer.
#ifndef TICKMLP_BENCH_STORED_H_
#define TICKMLP_BENCH_STORED_H_
#include <string>
#include <vector>

#include "compare/decide.h"

namespace tickmlp::bench {

inline constexpr std::size_t kFewestReruns = 5;  // as the verdict of a certificate asks

struct StoredScenario {
  std::string id;
  std::vector<double> ratios;  // of each re-run: (central - timer) / (memory floor - timer)
  std::vector<double> floors;  // of each re-run: memory floor - timer, ns
  bool saturated = false;      // calls came faster than they could be answered: it has no figures
};

struct StoredCertificate {
  std::string path, tool, started;
  double step_ns = 0;
  bool complete = false;
  // By name, as JSON text: what has to be equal in both for their ratios to mean the same.
  std::vector<std::pair<std::string, std::string>> conditions;
  std::vector<StoredScenario> scenarios;
};
// Refuses, exit 4, what cannot be read, and by name: certificate-json, certificate-schema, certificate-digest (it was
// edited), certificate-field.
StoredCertificate read_stored(const std::string& path);

struct ScenarioOutcome {
  std::string id;
  Outcome outcome = Outcome::kInconclusive;
  bool compared = false;                                        // else there are no figures
  double old_ratio = 0, new_ratio = 0;                          // medians of the re-runs
  double minimum = 0;                                           // the minimum effect, a difference of ratios
  double old_low = 0, old_high = 0, new_low = 0, new_high = 0;  // over the re-runs
  std::string why;
};
ScenarioOutcome compare_scenario(const StoredScenario& before, const StoredScenario& after, double step_ns);

struct StoredComparison {
  Outcome outcome = Outcome::kInconclusive;
  std::vector<std::string> reasons;  // why nothing can be told at all
  std::vector<ScenarioOutcome> scenarios;
  std::vector<std::string> only_old, only_new;  // ids that stand in one of them
  std::vector<std::string> saturated;           // ids that are saturated in both: there is nothing to compare
};
// Slower when one scenario is; else inconclusive when one is, or when the conditions differ.
StoredComparison compare_stored(const StoredCertificate& before, const StoredCertificate& after);

std::string stored_json(const std::string& command, const StoredCertificate& before, const StoredCertificate& after,
                        const StoredComparison& comparison);
std::string stored_table(const StoredCertificate& before, const StoredCertificate& after,
                         const StoredComparison& comparison);

}  // namespace tickmlp::bench
#endif
