// SPDX-License-Identifier: Apache-2.0
// The certificate at a terminal.
#include "text_table.h"

#include "certify/certify.h"
#include "measure/statistics.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }
std::string count_of(const json& value) {
  return value.is_number_unsigned() || value.is_number_integer() ? with_commas(value.get<std::uint64_t>()) : "-";
}

std::string header(const json& document) {
  const json &model = document.at("model"), &method = document.at("method"), &clock = document.at("clock");
  const std::string machine = text_of(document.at("machine").at("cpu"));
  const std::vector<std::vector<std::string>> rows{
      {"model", text_of(model.at("name")) + ", " + text_of(model.at("dtype")) + ", " + text_of(model.at("inputs")) +
                    " inputs -> " + text_of(model.at("outputs")) + " outputs, " + text_of(model.at("heads")) +
                    " heads, generation " + text_of(model.at("generation"))},
      {"kernel", text_of(document.at("kernel")) + ", " + count_of(model.at("weight_bytes")) + " weight bytes, " +
                     text_of(model.at("lock"))},
      {"core", text_of(document.at("core")) + " (pinned and read back), " + machine},
      {"method", "suite " + text_of(method.at("suite")) + ": " + text_of(method.at("runs")) + " whole re-runs of " +
                     text_of(method.at("epochs")) + " interleaved epochs; " + count_of(method.at("samples")) +
                     " hot samples of each row"},
      {"input", count_of(method.at("input").at("states")) + " states from " + text_of(method.at("input").at("source"))},
      {"clock", "steps by " + text_of(clock.at("step_ns")) + " ns" +
                    (clock.at("invariant") == true ? ", invariant" : ", NOT invariant")}};
  return "tickmlp " + text_of(document.at("tool").at("version")) + " latency certificate\n\n" + columns(rows, 2, 99);
}

constexpr const char* kColumns[] = {"min_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "max_ns"};

std::vector<std::string> figures(const std::string& name, const json& series) {
  std::vector<std::string> row{name};
  for (const char* column : kColumns) row.push_back(count_of(series.at(column)));
  const json& central = series.at("central_ns");
  row.push_back(central.is_number() ? with_commas_fixed(central.get<double>(), 1) : "-");
  return row;
}

// Of the plans that were kept up with: how many calls began late.
std::string planned_misses(const json& scenarios) {
  std::vector<std::vector<std::string>> rows{{"response under a plan", "calls", "began late"}};
  for (const json& scenario : scenarios)
    if (!scenario.at("planned_misses").is_null())
      rows.push_back({text_of(scenario.at("path")) + ", " + text_of(scenario.at("scenario")),
                      count_of(scenario.at("count")), count_of(scenario.at("planned_misses"))});
  return rows.size() == 1 ? "" : "\n" + columns(rows, 2, 1);
}

std::string latencies(const json& document) {
  const json& floors = document.at("floors");
  std::vector<std::vector<std::string>> rows = {
      {"nanoseconds", "min", "p50", "p90", "p99", "p99.9", "p99.99", "max", "central"},
      figures("timer floor", floors.at("timer")),
      figures("memory floor", floors.at("memory"))};
  bool any_saturated = false;
  for (const json& scenario : document.at("scenarios")) {
    const std::string path = text_of(scenario.at("path")), name = text_of(scenario.at("scenario"));
    const bool saturated = scenario.at("saturated") == true;
    any_saturated = any_saturated || saturated;
    rows.push_back(figures((name == "hot" ? path + " path" : path + ", " + name) + (saturated ? " **" : ""), scenario));
  }
  return columns(rows, 2, 1) +
         "\n  central: mean of the central 80 % of samples. The timer is in every row. \"-\": too few samples.\n" +
         (any_saturated
              ? "  **: saturated, calls arrived faster than they could be answered: no percentile means anything.\n"
              : "") +
         planned_misses(document.at("scenarios"));
}

std::string ratios(const json& document) {
  const json& ratio = document.at("ratios");
  if (ratio.at("full_to_memory_floor").is_null()) return "-";
  std::string text = fixed_point(ratio.at("full_to_memory_floor"), 2) + " x the memory floor (the weights read once " +
                     "with " + text_of(document.at("floors").at("memory_isa")) + "; timer taken off)";
  if (ratio.at("tick_to_full").is_number())
    text += "\n             a tick is " + fixed_point(ratio.at("tick_to_full"), 3) +
            " of the full path: only the newest row is new";
  if (ratio.at("tick_to_full_evicted").is_number())
    text +=
        "\n             evicted, a tick is " + fixed_point(ratio.at("tick_to_full_evicted"), 3) + " of the full path";
  return text;
}

std::string correctness(const json& checked) {
  if (!checked.at("mismatch").is_null()) return "WRONG: " + text_of(checked.at("mismatch"));
  return count_of(checked.at("golden_vectors")) + " golden vectors, and " + count_of(checked.at("states")) +
         " states against " + text_of(checked.at("scalar_kernel")) + ": the same bits" +
         (checked.at("tick_path") == true ? ", on the tick path too" : "");
}

// "0.0123" of 12,300,000 billionths.
std::string of_billionths(const json& value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value.get<double>() / 1e9);
  return text;
}

std::string reference(const json& checked) {
  const json& found = checked.at("reference");
  if (found.is_null())
    return "not compared with a float32 model: " + wrapped(text_of(checked.at("why_not_compared")), 13, 120);
  std::string text = count_of(found.at("states")) + " states against " + text_of(found.at("name")) +
                     ", float32; largest error (argmax agreement):\n            ";
  for (const json& head : found.at("heads")) {
    text += " " + text_of(head.at("name")) + " " + of_billionths(head.at("largest_error_ppb"));
    if (const json& share = head.at("argmax_agreement_ppm"); share.is_number())
      text += " (" + fixed_point(share.get<double>() / 1e4, 2) + " %)";
  }
  if (found.at("same_source") == false) text += "\n             WARNING: exported from another source than the model";
  return text;
}

// Other systems beside ours; the timer is taken off both sides of a ratio.
std::string comparators(const json& document) {
  if (document.at("comparators").empty()) return "";
  std::vector<std::vector<std::string>> rows{
      {"other systems", "type", "p50", "p99", "p99.9", "central", "/ full path"}};
  for (const json& other : document.at("comparators")) {
    const json &central = other.at("central_ns"), &ratio = other.at("ratio_to_full");
    rows.push_back({text_of(other.at("system")), text_of(other.at("dtype")), count_of(other.at("p50_ns")),
                    count_of(other.at("p99_ns")), count_of(other.at("p99_9_ns")),
                    central.is_number() ? with_commas_fixed(central.get<double>(), 1) : "-",
                    ratio.is_number() ? fixed_point(ratio.get<double>(), 2) : "-"});
  }
  return columns(rows, 2, 2) + "\n";
}

std::string skipped(const json& list) {
  std::string text;
  for (const json& one : list)
    text += "  skipped    " + text_of(one.at("system")) + ": " + wrapped(text_of(one.at("why")), 13, 120) + "\n";
  return text;
}

std::string audit(const json& rows) {
  std::vector<std::vector<std::string>> shown;
  for (const json& row : rows)
    if (row.at("grade") != "pass")
      shown.push_back({text_of(row.at("grade")), text_of(row.at("name")) + (row.at("forcing") == true ? " *" : ""),
                       wrapped(text_of(row.at("seen")), 0, 200)});
  const std::string head =
      std::to_string(rows.size() - shown.size()) + " of " + std::to_string(rows.size()) + " rows pass";
  if (shown.empty()) return head;
  std::string text = head + "; `tickmlp doctor` tells how to mend the others (* keeps the verdict from PASS)\n" +
                     columns(shown, 13, 99);
  text.pop_back();
  return text;
}

// What each budget would come to if the audit had nothing to say.
std::string budgets(const json& list) {
  if (list.empty()) return "";
  std::vector<std::vector<std::string>> rows{
      {"budgets", "limit", "measured", "lies between", "calls above", "by itself"}};
  for (const json& budget : list) {
    const json &value = budget.at("value_ns"), &interval = budget.at("interval_ns");
    const bool known = value.is_number();
    rows.push_back(
        {text_of(budget.at("scenario")) + " " + text_of(budget.at("figure")), describe_ns(budget.at("budget_ns")),
         known ? describe_ns(value) : "-", known ? describe_ns(interval[0]) + " and " + describe_ns(interval[1]) : "-",
         count_of(budget.at("above_budget")) + " of " + count_of(budget.at("count")), text_of(budget.at("verdict"))});
  }
  return columns(rows, 2, 1) +
         "\n  lies between: what decides, with the re-runs' range. by itself: before the audit has its say.\n\n";
}

std::string verdict(const json& document) {
  std::string text = text_of(document.at("verdict"));
  const json& reasons = document.at("reasons");
  if (reasons.size() == 1) return text + ": " + wrapped(text_of(reasons[0]), 13 + text.size() + 2, 120);
  for (const json& reason : reasons) text += "\n               - " + wrapped(text_of(reason), 17, 120);
  return text;
}

}  // namespace

std::string certificate_table(const json& document) {
  std::string text = header(document) + "\n" + latencies(document) + "\n";
  text += comparators(document) + skipped(document.at("comparators_skipped"));
  text += budgets(document.at("budgets"));
  text += "  ratio      " + ratios(document) + "\n";
  text += "  correct    " + correctness(document.at("correctness")) + "\n";
  text += "  reference  " + reference(document.at("correctness")) + "\n";
  if (const json& soak = document.at("soak"); !soak.is_null()) text += soak_table(soak);
  text += "  audit      " + audit(document.at("audit")) + "\n";
  text += "  verdict    " + verdict(document) + "\n";
  return text;
}

}  // namespace tickmlp::bench
