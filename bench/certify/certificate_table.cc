// SPDX-License-Identifier: Apache-2.0
#include "certify/certificate.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

std::string header(const Certificate& certificate) {
  const tickmlp_model_info& model = *certificate.model;
  const Plan& plan = certificate.plan;
  const tickmlp_clock& clock = certificate.clock;
  std::vector<std::vector<std::string>> rows{
      {"model", std::string(model.name) + ", " + dtype_name(model.type) + ", " + std::to_string(model.inputs) +
                    " inputs -> " + std::to_string(model.outputs) + " outputs, " + std::to_string(model.heads) +
                    " heads, generation " + std::to_string(model.generation)},
      {"kernel",
       std::string(model.kernel) + ", " + with_commas(model.weight_bytes) + " weight bytes, " + lock_name(model.lock)},
      {"core", std::to_string(certificate.core) + " (pinned and read back), " + certificate.processor},
      {"samples", with_commas(plan.samples) + " of each row, in " + with_commas(plan.epochs) +
                      " interleaved epochs; input: " + with_commas(certificate.input.states) + " states from " +
                      certificate.input.source},
      {"clock", "steps by " + std::to_string(clock.step_ns) + " ns, " + fixed_point(1 / clock.ns_per_tick, 3) + " GHz" +
                    (clock.invariant ? ", invariant" : ", NOT invariant")}};
  return "tickmlp " + std::string(tickmlp_version()) + " latency certificate\n\n" + columns(rows, 2, 99);
}

std::vector<std::string> figures(const std::string& name, const tickmlp_recorder& recorder) {
  if (recorder.count == 0) return {name, "-", "-", "-", "-", "-", "-", "-", "-"};
  std::vector<std::string> row{name, with_commas(recorder.minimum)};
  for (const Percentile& percentile : kPercentiles) {
    const std::string field = percentile.name;
    if (field == "p95" || field == "p99.999") continue;  // in the JSON; the table must fit a terminal
    const auto figure = figure_of(recorder, percentile);
    row.push_back(figure ? with_commas(figure->value) : "-");
  }
  row.push_back(with_commas(recorder.maximum));
  row.push_back(fixed_point(tickmlp_recorder_central(&recorder), 1));
  return row;
}

std::string latencies(const Certificate& certificate) {
  const Measurement& measured = certificate.measurement;
  std::vector<std::vector<std::string>> rows = {
      {"nanoseconds", "min", "p50", "p90", "p99", "p99.9", "p99.99", "max", "central"},
      figures("timer floor", measured.timer.recorder),
      figures("memory floor", measured.memory.recorder),
      figures("full path", measured.full.recorder)};
  if (measured.tick.recorder.count != 0) rows.push_back(figures("tick path", measured.tick.recorder));
  for (const ColdSeries& cold : measured.cold)
    rows.push_back(figures((cold.tick ? "tick, " : "full, ") + cold.scenario.name, cold.series.recorder));
  return columns(rows, 2, 1) +
         "\n  central: mean of the central 80 % of samples. The timer is in every row. \"-\": too few samples.\n";
}

std::string correctness(const Correctness& checked) {
  if (!checked.equal()) return "WRONG: " + checked.mismatch;
  return with_commas(checked.golden_vectors) + " golden vectors, and " + with_commas(checked.states) +
         " states against " + checked.scalar_kernel + ": the same bits" +
         (checked.ticks ? ", on the tick path too" : "");
}

std::string tick_ratio(const Measurement& measured) {
  const double value = tick_to_full(measured);
  if (!(value > 0)) return "";
  std::string text =
      "\n             a tick is " + fixed_point(value, 3) + " of the full path: only the newest row is new";
  for (const char* scenario : {"evicted", "evicted-data", "evicted-walk"})
    if (const double cold = tick_to_full(measured, scenario); cold > 0)
      text += "\n             " + std::string(scenario) + ", a tick is " + fixed_point(cold, 3) + " of the full path";
  return text;
}

std::string ratio(const Certificate& certificate) {
  const double value = full_to_memory_floor(certificate.measurement);
  if (!(value > 0)) return "-";
  return fixed_point(value, 2) + " x the memory floor (the weights read once with " + certificate.memory_isa +
         "; timer taken off)" + tick_ratio(certificate.measurement);
}

std::string audit(const std::vector<AuditRow>& rows) {
  std::vector<std::vector<std::string>> shown;
  for (const AuditRow& row : rows)
    if (row.grade != Grade::kPass)
      shown.push_back({grade_name(row.grade), row.name + (row.forcing ? " *" : ""), wrapped(row.seen, 0, 200)});
  const std::string head =
      std::to_string(rows.size() - shown.size()) + " of " + std::to_string(rows.size()) + " rows pass";
  if (shown.empty()) return head;
  std::string text = head + "; `tickmlp doctor` tells how to mend the others (* keeps the verdict from PASS)\n" +
                     columns(shown, 13, 99);
  text.pop_back();
  return text;
}

std::string verdict(const Certificate& certificate) {
  std::string text = verdict_name(certificate.conclusion.verdict);
  const auto& reasons = certificate.conclusion.reasons;
  if (reasons.size() == 1) return text + ": " + wrapped(reasons[0], 13 + text.size() + 2, 120);
  for (const std::string& reason : reasons) text += "\n               - " + wrapped(reason, 17, 120);
  return text;
}

}  // namespace

std::string certificate_table(const Certificate& certificate) {
  std::string text = header(certificate) + "\n" + latencies(certificate) + "\n";
  text += "  ratio      " + ratio(certificate) + "\n";
  text += "  correct    " + correctness(certificate.correctness) + "\n";
  text += "  audit      " + audit(certificate.audit) + "\n";
  text += "  verdict    " + verdict(certificate) + "\n";
  return text;
}

}  // namespace tickmlp::bench
