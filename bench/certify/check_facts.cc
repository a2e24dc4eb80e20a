// SPDX-License-Identifier: Apache-2.0
// Facts are not in the evidence and cannot be computed again, but they have to fit it and one another: an audit without
// its forcing rows, or a page fault that the audit does not know of, is no certificate of this program.
#include <algorithm>
#include <array>
#include <regex>

#include "audit/run_rows.h"
#include "certify/document.h"
#include "certify/verify.h"
#include "measure/response.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// Forcing whatever they read. jitter joins them where there is a budget, the quota where it can be read.
constexpr std::array kForcing{"isolated core", "virtualised",          "invariant TSC",   "affinity during the run",
                              "page faults",   "involuntary switches", "clock backwards", "steal during the run"};

struct Complaints {
  std::vector<std::string> texts;
  void unless(bool right, const std::string& text) {
    if (!right && std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
  }
};

// The one row of that name; null when there is none or more than one.
json row_of(const json& audit, const std::string& name, Complaints* complaints) {
  json found;
  int rows = 0;
  for (const json& row : audit)
    if (row.at("name") == name) found = row, rows += 1;
  complaints->unless(rows == 1, "the audit has " + std::to_string(rows) + " rows " + name + ", expected 1");
  return rows == 1 ? found : json();
}

void check_row(const json& document, const AuditRow& expected, const std::string& begin, Complaints* complaints) {
  const json row = row_of(document.at("audit"), expected.name, complaints);
  if (row.is_null()) return;
  complaints->unless(row.at("grade") == grade_name(expected.grade) && row.at("forcing") == expected.forcing &&
                         row.at("seen").get_ref<const std::string&>().starts_with(begin),
                     "the audit's row " + expected.name + " does not fit what was counted");
}

AuditRow jitter_of(const json& document, const Evidence& evidence) {
  const auto gaps = all_gaps(evidence);
  RunFacts facts;
  facts.gaps = gaps.get();
  facts.tightest_budget_ns = tightest_ns(budgets_of(document.at("budgets")));
  return jitter_row(facts);
}

// The cores of several sessions, but for the one of all other scenarios, have a forcing row each.
void check_session_cores(const json& document, Complaints* complaints) {
  std::uint64_t most = 1, rows = 1;
  for (const json& scenario : document.at("scenarios"))
    most = std::max(most, scenario.at("sessions").get<std::uint64_t>());
  for (const json& row : document.at("audit"))
    if (row.at("forcing") == true && row.at("name").get_ref<const std::string&>().starts_with("isolated core "))
      rows += 1;
  complaints->unless(rows >= most, "the audit lacks a row isolated core for each core of the sessions");
}

void check_audit(const json& document, const Evidence& evidence, Complaints* complaints) {
  const json& audit = document.at("audit");
  for (const char* name : kForcing)
    if (const json row = row_of(audit, name, complaints); !row.is_null())
      complaints->unless(row.at("forcing") == true, std::string("the audit's row ") + name + " has to be forcing");
  if (const json row = row_of(audit, "CPU quota during the run", complaints); !row.is_null())
    complaints->unless(row.at("forcing") == (row.at("grade") != "unknown"),
                       "the audit's row CPU quota during the run has to be forcing where it is known");
  if (const json row = row_of(audit, "virtualised", complaints); !row.is_null())
    complaints->unless((row.at("grade") == "pass") == (document.at("machine").at("virtualised") == "no"),
                       "the audit's row virtualised does not fit the machine");
  check_session_cores(document, complaints);
  for (const auto& [name, counter] :
       {std::pair("page faults", "page_faults"), std::pair("involuntary switches", "involuntary_switches"),
        std::pair("clock backwards", "clock_backwards")}) {
    const std::uint64_t count = document.at("counters").at(counter);
    check_row(document, counted_row(name, count, Grade::kFail, "", "", "", true), with_commas(count) + " ", complaints);
  }
  check_row(document, jitter_of(document, evidence), "", complaints);
}

std::uint64_t blocks_of(const SeriesEvidence& series) {
  std::uint64_t blocks = 0;
  for (const Run& run : series.runs) blocks += run.size();
  return blocks;
}

// Re-runs and epochs: what the log has is what was finished, and one that was stopped.
void check_method(const json& document, const Evidence& evidence, Complaints* complaints) {
  const json& method = document.at("method");
  const std::uint64_t runs = method.at("runs"), runs_finished = method.at("runs_finished"),
                      epochs = method.at("epochs"), epochs_finished = method.at("epochs_finished");
  const auto timer = evidence.find("floor-timer");
  const std::uint64_t runs_kept = timer == evidence.end() ? 0 : timer->second.runs.size(),
                      blocks_kept = timer == evidence.end() ? 0 : blocks_of(timer->second);
  complaints->unless(
      runs_finished <= runs_kept && runs_kept <= runs_finished + 1,
      "the log has " + std::to_string(runs_kept) + " re-runs, the certificate says " + std::to_string(runs_finished));
  complaints->unless(epochs_finished <= blocks_kept && blocks_kept <= epochs_finished + 1,
                     "the log has " + std::to_string(blocks_kept) + " epochs, the certificate says " +
                         std::to_string(epochs_finished));
  if (document.at("complete") != true) return;
  const json& soak = document.at("soak");
  complaints->unless(runs_finished == runs && runs_kept == runs && epochs_finished == runs * epochs &&
                         blocks_kept == epochs_finished && (soak.is_null() || soak.at("complete") == true),
                     "it is said to be complete, and is not");
  const std::uint64_t samples = method.at("samples"), kept = runs_kept == 0 ? 0 : merged(timer->second)->count,
                      backwards = document.at("counters").at("clock_backwards");
  complaints->unless(
      kept <= samples && samples <= kept + backwards,
      "the log has " + with_commas(kept) + " samples of each kind, the certificate says " + with_commas(samples));
}

// As the log knows it: by its slot.
std::uint64_t in_its_slot(std::uint64_t ns) {
  SeriesEvidence alone{{{TimedBlock{}}}};
  const auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  tickmlp_recorder_record(recorder.get(), ns);
  alone.runs[0][0].histogram = histogram_of(*recorder);
  return merged(alone)->maximum;
}

// What only a response time under a plan has, and whether the plan was below 0.9 x the capacity.
void check_pacing(const json& scenario, bool complete, Complaints* complaints) {
  const std::string id = scenario.at("id");
  if (scenario.at("kind") != "response") {
    for (const char* key : {"rate_per_s", "capacity_per_s", "saturated", "planned_misses", "offered_per_s"})
      complaints->unless(scenario.at(key).is_null(), id + " has a " + key + ", and no plan");
    return;
  }
  if (!complete || scenario.at("saturated") != false) return;
  // The mean of the re-runs, each of which was within, as a whole number.
  const double rate = scenario.at("rate_per_s"), capacity = scenario.at("capacity_per_s");
  complaints->unless(rate <= kMostLoad * (capacity + 1), id + " was saturated, by its capacity, and is said not to be");
  complaints->unless(scenario.at("planned_misses").get<std::uint64_t>() <= scenario.at("count").get<std::uint64_t>(),
                     id + " missed more arrivals than it had");
}

void check_scenario(const json& scenario, bool complete, const Evidence& evidence, Complaints* complaints) {
  const std::string id = scenario.at("id");
  const bool kept = evidence.contains(id), saturated = scenario.at("saturated") == true;
  complaints->unless(kept ? !saturated : saturated || !complete,
                     id + (kept ? " is said to be saturated, and is in the log" : " is not in the log"));
  check_pacing(scenario, complete, complaints);
  const json& worst = scenario.at("worst");
  complaints->unless(!kept || !worst.empty(), id + " has no slowest call");
  if (!kept || worst.empty()) return;
  const auto log = merged(evidence.at(id));
  std::uint64_t before = UINT64_MAX;
  for (const json& sample : worst) {
    const std::uint64_t ns = sample.at("ns");
    complaints->unless(ns <= before, id + "'s slowest calls are not in order");
    complaints->unless(in_its_slot(ns) >= log->minimum, id + "'s slowest calls are faster than the log's fastest");
    before = ns;
  }
  complaints->unless(in_its_slot(worst.front().at("ns")) == log->maximum, id + "'s slowest call is not the log's");
}

void check_rest(const json& document, Complaints* complaints) {
  static const std::regex kTime(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
  const std::string started = document.at("started"), finished = document.at("finished");
  complaints->unless(std::regex_match(started, kTime) && std::regex_match(finished, kTime) && started <= finished,
                     "it ended before it began");
  std::uint64_t measured = 0;  // by the session that counts: no ticks, no other sessions
  for (const json& scenario : document.at("scenarios"))
    if (scenario.at("path") == "full" && scenario.at("sessions") == 1)
      measured += scenario.at("count").get<std::uint64_t>();
  complaints->unless(document.at("counters").at("inferences").get<std::uint64_t>() >= measured,
                     "it counted fewer inferences than it has samples");
  const json &correctness = document.at("correctness"), &floors = document.at("floors");
  complaints->unless(
      correctness.at("equal_bits") == correctness.at("mismatch").is_null() &&
          (correctness.at("equal_bits") == false || (correctness.at("golden_vectors").get<std::uint64_t>() > 0 &&
                                                     correctness.at("states").get<std::uint64_t>() > 0)),
      "its results were not compared, or it contradicts itself about them");
  complaints->unless(floors.at("timer_step_ns") == document.at("clock").at("step_ns"), "it has two steps of the clock");
  complaints->unless(floors.at("memory_bytes") == document.at("model").at("weight_bytes"),
                     "the memory floor read more or less than the model's weights");
  for (const char* counter : {"page_faults", "involuntary_switches"}) {
    std::uint64_t sum = 0;
    for (const json& scenario : document.at("scenarios")) sum += scenario.at(counter).get<std::uint64_t>();
    complaints->unless(sum <= document.at("counters").at(counter).get<std::uint64_t>(),
                       std::string("its scenarios had more ") + counter + " than the whole run");
  }
}

}  // namespace

Check check_facts(const json& document, const Evidence& evidence) {
  Complaints complaints;
  try {
    check_method(document, evidence, &complaints);
    for (const json& scenario : document.at("scenarios"))
      check_scenario(scenario, document.at("complete") == true, evidence, &complaints);
    check_rest(document, &complaints);
    check_audit(document, evidence, &complaints);
  } catch (const std::exception& error) {  // a field that is missing or of another type
    complaints.texts.push_back(std::string("cannot be read: ") + error.what());
  }
  std::string text;
  for (const std::string& complaint : complaints.texts) text += (text.empty() ? "" : "; ") + complaint;
  return {"facts", text.empty(), text.empty() ? "what only the run could know fits the evidence and itself" : text};
}

}  // namespace tickmlp::bench
