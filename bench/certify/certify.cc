// SPDX-License-Identifier: Apache-2.0
// `tickmlp certify`: pin, check, measure, derive, report. In that order, each step refusing by name.
#include "certify/certify.h"

#include <openssl/sha.h>
#include <sys/utsname.h>

#include <algorithm>
#include <ctime>

#include "audit/audit.h"
#include "certify/document.h"
#include "cli.h"
#include "commands.h"
#include "npy.h"
#include "output_file.h"
#include "page/page.h"
#include "progress.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostStates = 4096;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string operating_system() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.sysname) + " " + name.release + " " + name.machine : "unknown";
}

InputSet choose_input(const std::string& path, const Model& model, const tickmlp_model_info& info) {
  InputSet set;
  if (path.empty()) {
    const float *inputs = nullptr, *outputs = nullptr;
    set.states = tickmlp_model_golden(model.get(), &inputs, &outputs);
    set.values.assign(inputs, inputs + set.states * info.inputs);
    set.source = "the golden vectors";
  } else {
    Matrix matrix = read_npy(path, info.inputs);
    set.states = std::min(matrix.rows, kMostStates);
    matrix.values.resize(set.states * info.inputs);
    set.values = std::move(matrix.values);
    set.source = printable(path);
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(set.values.data()), set.values.size() * sizeof(float), digest);
  set.sha256 = hexadecimal(digest);
  return set;
}

// The run that is being certified.
struct Subjects {
  int core;
  tickmlp_clock clock{};
  MemoryFloorChoice floor;
  bool ticks = false;  // the model has a window
  InputSet input;
};

// Everything about the model that can be known before it is timed. The model is freed afterwards: each re-run loads it
// anew.
json check_model(const CertifyOptions& options, Subjects* subjects) {
  const Model model = load_model(options.blob, options.kernel);
  const Session session = open_session(model);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  subjects->ticks = info.window_rows != 0;
  const Window window = subjects->ticks ? open_window(model) : nullptr;
  subjects->input = choose_input(options.input, model, info);
  const float* states = subjects->input.values.data();
  check_states(info, session.get(), states, subjects->input.states);
  const Correctness correctness =
      check_correctness(options.blob, model, session.get(), window.get(), states, subjects->input.states);
  return {{"model", model_facts(info, printable(options.blob))},
          {"kernel", info.kernel},
          {"correctness", correctness_facts(correctness)},
          {"floors",
           {{"timer_step_ns", subjects->clock.step_ns},
            {"memory_isa", subjects->floor.isa},
            {"memory_bytes", info.weight_bytes}}}};
}

Measurement measure_model(const CertifyOptions& options, const Subjects& subjects) {
  const Source source{[&] { return load_model(options.blob, options.kernel); },
                      subjects.ticks,
                      subjects.input.values.data(),
                      subjects.input.states,
                      subjects.floor.read,
                      subjects.clock,
                      subjects.core};
  Measurement measurement;
  ProgressBar bar("certify");
  measure(
      source, options.plan, [&](double done) { bar.show(done); }, &measurement);
  bar.clear();
  if (measurement.status != TICKMLP_OK)
    refuse(printable(options.blob) +
           ": an inference failed while it was timed: " + tickmlp_status_name(measurement.status));
  return measurement;
}

int report(const CertifyOptions& options, const json& document, const Evidence& evidence) {
  if (!options.json.empty()) write_atomically(options.json, {document.dump(2) + "\n"});
  if (!options.html.empty()) write_atomically(options.html, {certificate_page(document, evidence)});
  print(certificate_table(document));
  if (!options.json.empty()) print("  report     " + printable(options.json) + "\n");
  if (!options.html.empty()) print("  page       " + printable(options.html) + "\n");
  flush_output();
  if (g_interrupt_signal != 0) return 128 + g_interrupt_signal;
  const std::string verdict = document.at("verdict");
  return verdict == "PASS" ? kPass : verdict == "FAIL" ? kFail : kInconclusive;
}

}  // namespace

int certify(const CertifyOptions& options) {
  catch_interrupts();
  if (!options.json.empty()) check_target(options.json, {options.blob, options.input});
  if (!options.html.empty()) check_target(options.html, {options.blob, options.input, options.json});
  const std::string started = utc_now();
  Subjects subjects{options.core >= 0 ? options.core : last_allowed_core(), {}, choose_memory_floor(), false, {}};
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(subjects.core, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);
  if (const auto status = tickmlp_clock_calibrate(&subjects.clock, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);

  json document = check_model(options, &subjects);
  const Box box;
  std::vector<AuditRow> audit = audit_box(box, subjects.core);
  const bool right = document.at("correctness").at("equal_bits");
  const Measurement measurement = right ? measure_model(options, subjects) : Measurement();

  document.update({{"schema", kCertificateSchema},
                   {"tool", {{"version", tickmlp_version()}, {"compiler", __VERSION__}}},
                   {"command", options.command},
                   {"started", started},
                   {"finished", utc_now()},
                   {"complete", measurement.complete},
                   {"interrupt_signal", g_interrupt_signal ? json(static_cast<int>(g_interrupt_signal)) : json()},
                   {"machine",
                    {{"cpu", box.line("/proc/cpuinfo", "model name").value_or("unknown CPU")},
                     {"operating_system", operating_system()}}},
                   {"core", subjects.core},
                   {"clock",
                    {{"ns_per_tick", std::to_string(subjects.clock.ns_per_tick)},
                     {"step_ns", subjects.clock.step_ns},
                     {"invariant", subjects.clock.invariant != 0}}},
                   {"method", method_facts(options.plan, subjects.input, measurement)},
                   {"scenarios", scenario_facts(measurement, subjects.clock)},
                   {"budgets", budget_facts(options.budgets)},
                   {"audit", audit_facts(audit)},
                   {"counters", counter_facts(measurement)}});
  derive(measurement.evidence, &document);
  document["digest"] = digest_of(document);
  return report(options, document, measurement.evidence);
}

}  // namespace tickmlp::bench
