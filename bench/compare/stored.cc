// SPDX-License-Identifier: Apache-2.0
#include "compare/stored.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "certify/document.h"
#include "certify/verify.h"
#include "cli.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// What decides how long a call takes, and by how much more than the floor. The weights' values do not: a model that
// was trained again may be compared with its predecessor.
constexpr const char* kMachine[] = {"cpu", "model", "stepping", "microcode", "caches", "smt", "virtualised"};
constexpr const char* kModel[] = {"dtype", "inputs", "outputs", "heads", "lanes", "window", "weight_bytes"};

// A certificate being read: every refusal names the file and the place in it.
struct Reader {
  const std::string& path;

  [[noreturn]] void bad(const char* name, const std::string& what) const {
    refuse(printable(path) + ": " + name + ": " + what);
  }
  const json& field(const json& object, const std::string& where, const char* key) const {
    if (!object.is_object() || !object.contains(key)) bad("certificate-field", where + " has no " + key);
    return object[key];
  }
  double number(const json& object, const std::string& where, const char* key) const {
    const json& value = field(object, where, key);
    const double seen = value.is_number() ? value.get<double>() : NAN;
    if (!std::isfinite(seen) || seen < 0)
      bad("certificate-field", where + "." + key + " is " + value.dump().substr(0, 40) + "; expected a number");
    return seen;
  }
  std::string text(const json& object, const std::string& where, const char* key) const {
    const json& value = field(object, where, key);
    if (!value.is_string()) bad("certificate-field", where + "." + key + " is no text");
    return printable(value.get<std::string>());
  }
  // The central of each re-run; a re-run without samples has none and ends the list.
  std::vector<double> centrals(const json& figures, const std::string& where) const {
    const json& runs = field(figures, where, "run_figures");
    if (!runs.is_array()) bad("certificate-field", where + ".run_figures is no list");
    std::vector<double> values;
    for (const json& run : runs) {
      if (field(run, where + ".run_figures", "central_ns").is_null()) break;
      values.push_back(number(run, where + ".run_figures", "central_ns"));
    }
    return values;
  }
};

json parse(const Reader& reader) {
  json root = read_document(reader.path);
  const std::string stated = reader.text(root, "the certificate", "digest"), computed = digest_of(root);
  if (stated != computed)
    reader.bad("certificate-digest", "is " + computed + ", the certificate says " + stated.substr(0, 80) +
                                         ": it was edited; `tickmlp verify` has more");
  return root;
}

// How many cores share a cache, not which: every core of one box has caches of the same kind. "0-3,8" are five.
json with_sharers_counted(json caches) {
  if (!caches.is_array()) return caches;
  for (json& cache : caches) {
    const json shared = cache.is_object() ? cache.value("shared_with", json()) : json();
    if (!shared.is_string()) continue;
    std::uint64_t cores = 0;
    std::istringstream list(shared.get<std::string>());
    for (std::string part; std::getline(list, part, ',');) {
      unsigned first = 0, last = 0;
      const int read = std::sscanf(part.c_str(), "%u-%u", &first, &last);
      cores += read == 2 && last >= first ? std::uint64_t{last} - first + 1 : 1;
    }
    cache.erase("shared_with");
    cache["sharers"] = cores;
  }
  return caches;
}

void read_conditions(const Reader& reader, const json& root, StoredCertificate* certificate) {
  const auto add = [&](const std::string& where, const json& object, const char* key) {
    json seen = object.is_object() && object.contains(key) ? object[key] : json();
    const std::string value = (std::string_view(key) == "caches" ? with_sharers_counted(std::move(seen)) : seen).dump();
    certificate->conditions.emplace_back(where + key, printable(value));
  };
  const json &machine = reader.field(root, "the certificate", "machine"),
             &model = reader.field(root, "the certificate", "model");
  for (const char* key : kMachine) add("machine ", machine, key);
  for (const char* key : kModel) add("model ", model, key);
  add("", root, "kernel");
  add("clock ", reader.field(root, "the certificate", "clock"), "step_ns");
}

double lowest(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }
double highest(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

}  // namespace

StoredCertificate read_stored(const std::string& path) {
  const Reader reader{path};
  const json root = parse(reader);
  StoredCertificate certificate;
  certificate.path = path;
  certificate.tool = reader.text(reader.field(root, "the certificate", "tool"), "tool", "version");
  certificate.started = reader.text(root, "the certificate", "started");
  certificate.step_ns = reader.number(reader.field(root, "the certificate", "clock"), "clock", "step_ns");
  const json& complete = reader.field(root, "the certificate", "complete");
  certificate.complete = complete.is_boolean() && complete.get<bool>();
  read_conditions(reader, root, &certificate);

  const json& floors = reader.field(root, "the certificate", "floors");
  const auto timers = reader.centrals(reader.field(floors, "floors", "timer"), "floors.timer");
  const auto memory = reader.centrals(reader.field(floors, "floors", "memory"), "floors.memory");
  const json& scenarios = reader.field(root, "the certificate", "scenarios");
  if (!scenarios.is_array()) reader.bad("certificate-field", "scenarios is no list");
  for (const json& object : scenarios) {
    StoredScenario scenario{reader.text(object, "scenarios", "id"), {}, {}, false};
    scenario.saturated = object.value("saturated", json()) == true;
    const auto centrals = reader.centrals(object, "scenarios." + scenario.id);
    for (std::size_t i = 0; i < std::min({centrals.size(), timers.size(), memory.size()}); ++i) {
      if (memory[i] <= timers[i]) continue;  // a floor that the timer hides
      scenario.floors.push_back(memory[i] - timers[i]);
      scenario.ratios.push_back((centrals[i] - timers[i]) / scenario.floors.back());
    }
    certificate.scenarios.push_back(scenario);
  }
  return certificate;
}

ScenarioOutcome compare_scenario(const StoredScenario& before, const StoredScenario& after, double step_ns) {
  ScenarioOutcome result;
  result.id = before.id;
  if (before.saturated || after.saturated) {
    result.why = std::string("saturated in ") + (before.saturated ? "old" : "new");
    return result;
  }
  if (std::min(before.ratios.size(), after.ratios.size()) < kFewestReruns) {
    result.why = std::to_string(before.ratios.size()) + " and " + std::to_string(after.ratios.size()) +
                 " re-runs; expected at least " + std::to_string(kFewestReruns) + " in each";
    return result;
  }
  result.compared = true;
  result.old_ratio = median(before.ratios), result.new_ratio = median(after.ratios);
  result.old_low = lowest(before.ratios), result.old_high = highest(before.ratios);
  result.new_low = lowest(after.ratios), result.new_high = highest(after.ratios);
  const double floor = std::min(median(before.floors), median(after.floors));
  result.minimum = minimum_effect_ns(result.old_ratio * floor, step_ns) / floor;
  const double effect = result.new_ratio - result.old_ratio,
               spread = std::max(result.old_high - result.old_low, result.new_high - result.new_low);
  if (result.old_ratio <= 0) {
    result.why = "a call takes no longer than reading the clock";
  } else if (effect >= std::max(result.minimum, spread) && result.new_low > result.old_high) {
    result.outcome = Outcome::kSlower;
    result.why = "every new re-run is slower than every old one, by more than either's re-runs spread";
  } else if (-effect >= std::max(result.minimum, spread) && result.new_high < result.old_low) {
    result.outcome = Outcome::kFaster;
    result.why = "every new re-run is faster than every old one, by more than either's re-runs spread";
  } else if (std::abs(effect) < result.minimum && spread <= result.minimum) {
    result.outcome = Outcome::kSame;
    result.why = "below the minimum effect, as are both spreads";
  } else {
    result.why = std::abs(effect) < result.minimum ? "re-runs spread by more than the minimum effect"
                                                   : "the difference is within the spread of the re-runs";
  }
  return result;
}

StoredComparison compare_stored(const StoredCertificate& before, const StoredCertificate& after) {
  StoredComparison comparison;
  for (const StoredCertificate* certificate : {&before, &after})
    if (!certificate->complete) comparison.reasons.push_back(printable(certificate->path) + " is incomplete");
  for (std::size_t i = 0; i < before.conditions.size(); ++i)
    if (before.conditions[i] != after.conditions[i])
      comparison.reasons.push_back(before.conditions[i].first + " differs: " + before.conditions[i].second + " and " +
                                   after.conditions[i].second);
  const auto find = [](const StoredCertificate& certificate, const std::string& id) {
    return std::find_if(certificate.scenarios.begin(), certificate.scenarios.end(),
                        [&](const StoredScenario& scenario) { return scenario.id == id; });
  };
  for (const StoredScenario& scenario : before.scenarios) {
    const auto other = find(after, scenario.id);
    if (other == after.scenarios.end()) comparison.only_old.push_back(scenario.id);
    else if (scenario.saturated && other->saturated) comparison.saturated.push_back(scenario.id);
    else comparison.scenarios.push_back(compare_scenario(scenario, *other, std::max(before.step_ns, after.step_ns)));
  }
  for (const StoredScenario& scenario : after.scenarios)
    if (find(before, scenario.id) == before.scenarios.end()) comparison.only_new.push_back(scenario.id);
  if (comparison.scenarios.empty()) comparison.reasons.push_back("they have no scenario in common");

  const auto count = [&](Outcome outcome) {
    return std::count_if(comparison.scenarios.begin(), comparison.scenarios.end(),
                         [=](const ScenarioOutcome& scenario) { return scenario.outcome == outcome; });
  };
  if (!comparison.reasons.empty()) return comparison;
  comparison.outcome = count(Outcome::kSlower) != 0         ? Outcome::kSlower
                       : count(Outcome::kInconclusive) != 0 ? Outcome::kInconclusive
                       : count(Outcome::kFaster) != 0       ? Outcome::kFaster
                                                            : Outcome::kSame;
  return comparison;
}

}  // namespace tickmlp::bench
