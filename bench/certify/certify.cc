// SPDX-License-Identifier: Apache-2.0
// `tickmlp certify`: pin, check, measure, judge, report. In that order, each step refusing by name.
#include <openssl/sha.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "certify/certificate.h"
#include "certify/certify.h"
#include "cli.h"
#include "commands.h"
#include "npy.h"
#include "output_file.h"
#include "progress.h"
#include "audit/run_audit.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kMostStates = 4096;
constexpr std::uint64_t kWarmUp = 50'000;  // about 30 ms of the tactical model: caches, branches, clock boost
constexpr double kWarmUpSeconds = 0.25;    // a large model is warm after fewer calls

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

Plan make_plan(const CertifyOptions& options) {
  Plan plan{options.samples, std::min(options.epochs, options.samples), kWarmUp, kWarmUpSeconds, options.scenarios};
  if (options.warm_up_given) plan.warm_up = options.warm_up, plan.warm_up_seconds = 0;
  return plan;
}

void conclude_all(const CertifyOptions& options, Certificate* certificate) {
  const Measurement& measured = certificate->measurement;
  const Series& judged = certificate->judge_tick ? measured.tick : measured.full;
  for (const Budget& budget : options.budgets)
    certificate->judgements.push_back(judge(budget, judged.recorder, judged.epoch_central_ns, certificate->clock));
  certificate->conclusion = conclude(certificate->judgements, certificate->audit, certificate->complete);
  if (!certificate->correctness.equal())
    certificate->conclusion = {Verdict::kFail, {"wrong results: " + certificate->correctness.mismatch}};
  if (g_interrupt_signal != 0) {
    certificate->interrupt_signal = g_interrupt_signal;
    certificate->conclusion = {Verdict::kInconclusive, {"interrupted by signal " + std::to_string(g_interrupt_signal)}};
  }
}

void measure_model(const CertifyOptions& options, tickmlp_session* session, tickmlp_window* window,
                   Certificate* certificate) {
  const MemoryFloorChoice floor = choose_memory_floor();
  certificate->memory_isa = floor.isa;
  const Subject subject{session,
                        window,
                        certificate->model,
                        certificate->input.values.data(),
                        certificate->input.states,
                        floor.read,
                        certificate->clock};
  ProgressBar bar("certify");
  measure(
      subject, certificate->plan, [&](double done) { bar.show(done); }, &certificate->measurement);
  bar.clear();
  if (certificate->measurement.status != TICKMLP_OK)
    refuse(printable(options.blob) +
           ": an inference failed while it was timed: " + tickmlp_status_name(certificate->measurement.status));
  certificate->complete = certificate->measurement.complete;
}

RunFacts run_facts(const CertifyOptions& options, const Certificate& certificate) {
  const Measurement& measured = certificate.measurement;
  RunFacts facts{measured.page_faults, measured.involuntary_switches, measured.backwards,     &measured.jitter,
                 2 * kJitterSeconds,   measured.fixed_work_ns,        certificate.model->lock};
  for (const Budget& budget : options.budgets)
    facts.tightest_budget_ns = facts.tightest_budget_ns > 0 ? std::min(facts.tightest_budget_ns, budget.ns) : budget.ns;
  return facts;
}

int report(const CertifyOptions& options, const Certificate& certificate) {
  if (!options.json.empty()) write_atomically(options.json, {certificate_json(certificate)});
  print(certificate_table(certificate));
  if (!options.json.empty()) print("  report     " + printable(options.json) + "\n");
  flush_output();
  if (certificate.interrupt_signal != 0) return 128 + certificate.interrupt_signal;
  return exit_code(certificate.conclusion.verdict);
}

}  // namespace

int certify(const CertifyOptions& options) {
  catch_interrupts();
  if (!options.json.empty()) check_target(options.json, {options.blob, options.input});
  Certificate certificate;
  certificate.started = utc_now();
  certificate.command = options.command;
  certificate.core = options.core >= 0 ? options.core : last_allowed_core();
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(certificate.core, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);
  if (const auto status = tickmlp_clock_calibrate(&certificate.clock, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);

  const Model model = load_model(options.blob, options.kernel);
  const Session session = open_session(model);
  certificate.model = tickmlp_model_describe(model.get());
  certificate.judge_tick = options.path == "tick";
  const bool ticks = certificate.model->window_rows != 0 || certificate.judge_tick;
  const Window window = ticks ? open_window(model) : nullptr;  // refuses a tick budget for a model without a window
  certificate.blob = printable(options.blob);
  certificate.plan = make_plan(options);
  certificate.input = choose_input(options.input, model, *certificate.model);
  const float* states = certificate.input.values.data();
  check_states(*certificate.model, session.get(), states, certificate.input.states);
  certificate.correctness =
      check_correctness(options.blob, model, session.get(), window.get(), states, certificate.input.states);

  const Box box;
  certificate.processor = box.line("/proc/cpuinfo", "model name").value_or("unknown CPU");
  certificate.operating_system = operating_system();
  RunAudit audit(box, certificate.core, certificate.clock);
  if (certificate.correctness.equal()) measure_model(options, session.get(), window.get(), &certificate);
  certificate.audit = audit.after(run_facts(options, certificate));
  tickmlp_session_counters(session.get(), &certificate.counters);
  conclude_all(options, &certificate);
  certificate.finished = utc_now();
  return report(options, certificate);
}

}  // namespace tickmlp::bench
