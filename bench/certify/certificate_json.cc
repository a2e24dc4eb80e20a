// SPDX-License-Identifier: Apache-2.0
// Keys are sorted and times are whole nanoseconds, central_ns excepted, so that equal certificates are equal bytes.
#include <cmath>
#include <nlohmann/json.hpp>

#include "certify/certificate.h"
#include "audit/stability.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

double two_decimals(double value) { return std::round(value * 100) / 100; }

// The figures that every recorder gives; null where the samples are too few.
json figures(const Series& series) {
  const tickmlp_recorder& recorder = series.recorder;
  json out, intervals = json::object();
  const bool any = recorder.count > 0;
  out["count"] = recorder.count;
  out["beyond_range"] = recorder.beyond;
  out["min_ns"] = any ? json(recorder.minimum) : json();
  out["max_ns"] = any ? json(recorder.maximum) : json();
  out["central_ns"] = any ? json(two_decimals(tickmlp_recorder_central(&recorder))) : json();
  for (const Percentile& percentile : kPercentiles) {
    const auto figure = figure_of(recorder, percentile);
    out[percentile.field] = figure ? json(figure->value) : json();
    intervals[percentile.field] = figure ? json({static_cast<std::uint64_t>(figure->interval.low),
                                                 static_cast<std::uint64_t>(figure->interval.high)})
                                         : json();
  }
  out["intervals_95"] = intervals;
  json epochs = json::array();
  for (const double central : series.epoch_central_ns) epochs.push_back(two_decimals(central));
  out["epoch_central_ns"] = epochs;
  return out;
}

json hot_scenario(const Series& series, const std::string& path) {
  json scenario = figures(series);
  scenario["name"] = path + " path, hot";
  scenario["kind"] = "service";
  scenario["path"] = path;
  scenario["cache"] = "hot";
  scenario["gap_ns"] = nullptr;
  scenario["rate_per_s"] = nullptr;
  scenario["scenario"] = "hot";
  for (const char* cold : {"touch_ns", "eviction", "page_faults", "involuntary_switches"}) scenario[cold] = nullptr;
  return scenario;
}

json cold_scenario(const ColdSeries& cold) {
  const Scenario& asked = cold.scenario;
  const bool spaced = asked.eviction == Eviction::kNone;
  json scenario = hot_scenario(cold.series, cold.tick ? "tick" : "full");
  scenario["name"] = std::string(cold.tick ? "tick" : "full") + " path, " + describe_scenario(asked);
  scenario["kind"] = spaced ? "spaced" : "service";
  scenario["cache"] = spaced ? "spaced" : "evicted";
  scenario["scenario"] = asked.name;
  if (spaced) scenario["gap_ns"] = asked.gap_ns;
  if (asked.touch_ns != 0) scenario["touch_ns"] = asked.touch_ns;
  if (!spaced) scenario["eviction"] = cold.way == Eviction::kWalk ? "walk" : "flush";
  scenario["page_faults"] = cold.page_faults;
  scenario["involuntary_switches"] = cold.involuntary_switches;
  return scenario;
}

json scenarios_of(const Measurement& measured) {
  json scenarios = json::array({hot_scenario(measured.full, "full")});
  if (measured.tick.recorder.count != 0) scenarios.push_back(hot_scenario(measured.tick, "tick"));
  for (const ColdSeries& cold : measured.cold) scenarios.push_back(cold_scenario(cold));
  return scenarios;
}

json ratios_of(const Measurement& measured) {
  const auto ratio = [](double value) { return value > 0 ? json(std::round(value * 1e4) / 1e4) : json(); };
  return {{"full_to_memory_floor", ratio(full_to_memory_floor(measured))},
          {"tick_to_full", ratio(tick_to_full(measured))},
          {"tick_to_full_evicted", ratio(tick_to_full(measured, "evicted"))}};
}

json model_of(const Certificate& certificate) {
  const tickmlp_model_info& model = *certificate.model;
  json window;
  if (model.window_rows != 0) window = {{"rows", model.window_rows}, {"columns", model.window_columns}};
  return {{"name", model.name},
          {"dtype", dtype_name(model.type)},
          {"blob", certificate.blob},
          {"blob_sha256", hexadecimal(model.blob_sha256)},
          {"source_sha256", hexadecimal(model.source_sha256)},
          {"exporter", model.exporter},
          {"run_id", model.run_id},
          {"generation", model.generation},
          {"inputs", model.inputs},
          {"outputs", model.outputs},
          {"heads", model.heads},
          {"lanes", model.lanes},
          {"window", window},
          {"weight_bytes", model.weight_bytes},
          {"lock", lock_name(model.lock)}};
}

json jitter_of(const Measurement& measured) {
  json out = figures({measured.jitter, {}});
  out["seconds"] = 2 * kJitterSeconds;
  out["above_1us"] = long_gaps(measured.jitter);
  json work = json::array();
  for (const double ns : measured.fixed_work_ns) work.push_back(two_decimals(ns));
  out["fixed_work_ns"] = work;
  return out;
}

json floors_of(const Certificate& certificate) {
  const Measurement& measured = certificate.measurement;
  const json timer = figures(measured.timer), memory = figures(measured.memory);
  return {{"timer_ns", timer["central_ns"]},
          {"timer_step_ns", certificate.clock.step_ns},
          {"memory_ns", memory["central_ns"]},
          {"memory_isa", certificate.memory_isa},
          {"memory_bytes", certificate.model->weight_bytes},
          {"timer", timer},
          {"memory", memory},
          {"jitter", jitter_of(measured)}};
}

json method_of(const Certificate& certificate) {
  const Plan& plan = certificate.plan;
  return {
      {"samples", plan.samples},
      {"epochs", plan.epochs},
      {"epochs_finished", certificate.measurement.epochs},
      {"warm_up", plan.warm_up},
      {"chunk", kChunk},
      {"chunk_warm_up", kChunkWarmUp},
      {"order",
       "timer, memory, full, (with a window) tick and cold blocks interleaved in each epoch, the first one rotating"},
      {"timed_region",
       "one tickmlp_infer call between tickmlp_clock_begin and tickmlp_clock_end; the state's "
       "cache lines are read just before it; the timer is not subtracted"},
      {"seconds", two_decimals(certificate.measurement.seconds)},
      {"input",
       {{"source", certificate.input.source},
        {"states", certificate.input.states},
        {"sha256", certificate.input.sha256}}}};
}

json correctness_of(const Correctness& correctness) {
  return {{"equal_bits", correctness.equal()},
          {"golden_vectors", correctness.golden_vectors},
          {"scalar_kernel", correctness.scalar_kernel},
          {"states", correctness.states},
          {"tick_path", correctness.ticks},
          {"mismatch", correctness.equal() ? json() : json(correctness.mismatch)}};
}

json budgets_of(const Certificate& certificate) {
  json list = json::array();
  for (const Judgement& judgement : certificate.judgements) {
    json row{{"figure", judgement.budget.figure},
             {"budget_ns", two_decimals(judgement.budget.ns)},
             {"verdict", verdict_name(judgement.verdict)},
             {"why", judgement.why}};
    row["value_ns"] = judgement.measured ? json(judgement.value) : json();
    row["interval_ns"] = judgement.measured ? json({judgement.interval.low, judgement.interval.high}) : json();
    list.push_back(row);
  }
  return list;
}

json audit_of(const std::vector<AuditRow>& rows) {
  json list = json::array();
  for (const AuditRow& row : rows)
    list.push_back({{"name", row.name},
                    {"grade", grade_name(row.grade)},
                    {"seen", row.seen},
                    {"why", row.why},
                    {"mend", row.mend},
                    {"forcing", row.forcing}});
  return list;
}

json counters_of(const Certificate& certificate) {
  const tickmlp_counters& counters = certificate.counters;
  return {{"inferences", counters.inferences},
          {"refused", counters.refused},
          {"clipped", counters.clipped},
          {"flushed", counters.flushed},
          {"page_faults", certificate.measurement.page_faults},
          {"involuntary_switches", certificate.measurement.involuntary_switches},
          {"clock_backwards", certificate.measurement.backwards}};
}

}  // namespace

// numerator / denominator of central_ns, with the timer's taken off both.
static double ratio_of(const Measurement& measurement, const Series& numerator, const Series& denominator) {
  if (numerator.recorder.count == 0 || denominator.recorder.count == 0) return 0;
  const double timer = tickmlp_recorder_central(&measurement.timer.recorder);
  const double below = tickmlp_recorder_central(&denominator.recorder) - timer;
  return below > 0 ? (tickmlp_recorder_central(&numerator.recorder) - timer) / below : 0;
}

double full_to_memory_floor(const Measurement& measurement) {
  return ratio_of(measurement, measurement.full, measurement.memory);
}

double tick_to_full(const Measurement& measurement, const std::string& scenario) {
  const Series *full = &measurement.full, *tick = &measurement.tick;
  if (scenario != "hot") {
    full = tick = nullptr;
    for (const ColdSeries& cold : measurement.cold)
      if (cold.scenario.name == scenario) (cold.tick ? tick : full) = &cold.series;
  }
  return full != nullptr && tick != nullptr ? ratio_of(measurement, *tick, *full) : 0;
}

std::string certificate_json(const Certificate& certificate) {
  const json report{{"schema", "tickmlp-certificate/0"},
                    {"tool", {{"version", tickmlp_version()}, {"compiler", __VERSION__}}},
                    {"command", certificate.command},
                    {"started", certificate.started},
                    {"finished", certificate.finished},
                    {"complete", certificate.complete},
                    {"interrupt_signal", certificate.interrupt_signal ? json(certificate.interrupt_signal) : json()},
                    {"verdict", verdict_name(certificate.conclusion.verdict)},
                    {"reasons", certificate.conclusion.reasons},
                    {"model", model_of(certificate)},
                    {"kernel", certificate.model->kernel},
                    {"machine", {{"cpu", certificate.processor}, {"operating_system", certificate.operating_system}}},
                    {"core", certificate.core},
                    {"clock",
                     {{"ns_per_tick", certificate.clock.ns_per_tick},
                      {"step_ns", certificate.clock.step_ns},
                      {"invariant", certificate.clock.invariant != 0}}},
                    {"correctness", correctness_of(certificate.correctness)},
                    {"method", method_of(certificate)},
                    {"floors", floors_of(certificate)},
                    {"scenarios", scenarios_of(certificate.measurement)},
                    {"ratios", ratios_of(certificate.measurement)},
                    {"budget_path", certificate.judge_tick ? "tick" : "full"},
                    {"budgets", budgets_of(certificate)},
                    {"audit", audit_of(certificate.audit)},
                    {"counters", counters_of(certificate)}};
  return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tickmlp::bench
