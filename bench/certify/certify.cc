// SPDX-License-Identifier: Apache-2.0
// `tickmlp certify`: pin, check, measure, derive, report. In that order, each step refusing by name.
#include "certify/certify.h"

#include <algorithm>
#include <memory>

#include "audit/identity.h"
#include "audit/machine.h"
#include "audit/run_audit.h"
#include "certify/document.h"
#include "certify/evidence_files.h"
#include "certify/judgement.h"
#include "certify/preconditions.h"
#include "certify/reference.h"
#include "certify/signature.h"
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
  set.sha256 = sha256_of({reinterpret_cast<const char*>(set.values.data()), set.values.size() * sizeof(float)});
  return set;
}

// The run that is being certified.
struct Subjects {
  int core;
  std::vector<int> cores = allowed_cores();
  tickmlp_clock clock{};
  MemoryFloorChoice floor;
  bool ticks = false;                    // the model has a window
  tickmlp_lock lock = TICKMLP_UNLOCKED;  // of the weights
  InputSet input{};
};

// Everything about the model that can be known before it is timed. The model is freed afterwards: each re-run loads it
// anew.
json check_model(const CertifyOptions& options, Subjects* subjects) {
  const Model model = load_model(options.blob, options.kernel);
  const Session session = open_session(model);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  subjects->ticks = info.window_rows != 0;
  subjects->lock = info.lock;
  const bool window_needed = subjects->ticks || (options.soak && options.soak->tick);  // refused without one
  const Window window = window_needed ? open_window(model) : nullptr;
  subjects->input = choose_input(options.input, model, info);
  const float* states = subjects->input.values.data();
  check_states(info, session.get(), states, subjects->input.states);
  const Correctness correctness =
      check_correctness(options.blob, model, session.get(), window.get(), states, subjects->input.states);
  json model_of = model_facts(info, printable(options.blob)), checked = correctness_facts(correctness);
  model_of["accuracy"] = stored_accuracy(model);
  const std::uint64_t count = subjects->input.states;
  model_of["shapes"] = head_shapes(model);
  const Reference reference = find_reference(options.reference, options.blob, model, session.get(), states, count);
  checked["reference"] = reference.facts;
  checked["why_not_compared"] = reference.why_not_compared.empty() ? json() : json(reference.why_not_compared);
  const bool compared = options.others != nullptr && correctness.equal();
  const Opponents opponents =
      compared ? options.others->check({options.blob, options.reference, states, count}) : Opponents{};
  return {{"model", model_of},
          {"kernel", info.kernel},
          {"correctness", checked},
          {"comparators", comparator_facts(opponents)},
          {"comparators_skipped", skipped_facts(opponents)},
          {"floors",
           {{"timer_step_ns", subjects->clock.step_ns},
            {"memory_isa", subjects->floor.isa},
            {"memory_bytes", info.weight_bytes}}}};
}

Source source_of(const CertifyOptions& options, const Subjects& subjects, RunAudit* audit) {
  Source source{[&options] { return load_model(options.blob, options.kernel); },
                [audit] { audit->during(); },
                subjects.ticks,
                subjects.input.values.data(),
                subjects.input.states,
                subjects.floor.read,
                subjects.clock,
                subjects.core,
                subjects.cores,
                {}};
  if (options.others) source.load_others = [&options] { return options.others->load(); };
  return source;
}

// The scenarios, then the soak where one is wanted: *soak gets its facts.
Measurement measure_model(const CertifyOptions& options, const Source& source, json* soak) {
  Measurement measurement;
  ProgressBar bar("certify");
  const double soak_seconds = options.soak ? options.soak->seconds : 0;
  measure(
      source, options.plan, [&](double done) { bar.show(done, soak_seconds); }, &measurement);
  if (measurement.status == TICKMLP_OK && measurement.complete && options.soak)
    *soak = soak_json(soak_source(
        source, *options.soak, [&](double done) { bar.show_left((1 - done) * soak_seconds); }, [&] { bar.clear(); },
        &measurement));
  bar.clear();
  if (measurement.status != TICKMLP_OK)
    refuse(printable(options.blob) +
           ": an inference failed while it was timed: " + tickmlp_status_name(measurement.status));
  return measurement;
}

RunFacts run_facts(const CertifyOptions& options, const Subjects& subjects, const Measurement& measured,
                   const tickmlp_recorder& gaps) {
  return {measured.page_faults,
          measured.involuntary_switches,
          measured.backwards,
          &gaps,
          kJitterSeconds * static_cast<double>(measured.runs + 2),
          measured.fixed_work_ns,
          subjects.lock,
          tightest_ns(options.budgets)};
}

// The certificate with what lies beside it: evidence first, and last the certificate, which names it.
void add_certificate(const CertifyOptions& options, const Evidence& evidence, json* document, OutputFiles* files) {
  const auto beside = evidence_files(options.json, *document, evidence);
  (*document)["evidence"] = evidence_facts(beside);
  (*document)["digest"] = digest_of(*document);
  const std::string text = document->dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  for (const EvidenceFile& file : beside) files->add(folder_of(options.json) + file.name, {file.bytes});
  const std::string signature = options.json + ".sig";
  if (options.sign_key.empty()) files->remove(signature);  // an old one cannot fit the new text
  else files->add(signature, {sign(read_private_key(options.sign_key), text)});
  files->add(options.json, {text});
}

int report(const CertifyOptions& options, const Evidence& evidence, json* document) {
  OutputFiles files;  // all or none
  if (!options.json.empty()) add_certificate(options, evidence, document, &files);
  if (!options.html.empty()) files.add(options.html, {certificate_page(*document, evidence)});
  files.commit();
  print(certificate_table(*document));
  if (!options.json.empty()) print("  report     " + printable(options.json) + "; check it with `tickmlp verify`\n");
  if (!options.html.empty()) print("  page       " + printable(options.html) + "\n");
  flush_output();
  if (const json& signal = document->at("interrupt_signal"); !signal.is_null()) return 128 + signal.get<int>();
  return verdict_exit_code(document->at("verdict"));
}

}  // namespace

int certify(const CertifyOptions& options) {
  catch_interrupts();
  check_files(options);
  const std::string started = utc_now();
  Subjects subjects{.core = options.core >= 0 ? options.core : last_allowed_core(), .floor = choose_memory_floor()};
  check_sessions(options.plan, subjects.cores);
  tickmlp_error error{};
  if (const auto status = tickmlp_pin_thread(subjects.core, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);
  if (const auto status = tickmlp_clock_calibrate(&subjects.clock, &error); status != TICKMLP_OK)
    fail("cannot certify", status, error);

  json document = check_model(options, &subjects);
  check_budgets(options, subjects.ticks);
  const Box box;
  RunAudit audit(box, subjects.core, subjects.clock, session_cores(options.plan, subjects.cores));
  const bool right = document.at("correctness").at("equal_bits");
  json soak;
  const Measurement measurement =
      right ? measure_model(options, source_of(options, subjects, &audit), &soak) : Measurement();
  // Once: a signal that comes later than the last sample stops nothing any more.
  const int stopped = measurement.complete ? 0 : static_cast<int>(g_interrupt_signal);
  const auto gaps = all_gaps(measurement.evidence);
  document.update({{"schema", kCertificateSchema},
                   {"tool", tool_json()},
                   {"host", host_hash()},
                   {"machine", machine_json(box, subjects.core)},
                   {"command", options.command},
                   {"started", started},
                   {"finished", utc_now()},
                   {"complete", measurement.complete},
                   {"interrupt_signal", stopped != 0 ? json(stopped) : json()},
                   {"core", subjects.core},
                   {"clock",
                    {{"ns_per_tick", std::to_string(subjects.clock.ns_per_tick)},
                     {"step_ns", subjects.clock.step_ns},
                     {"invariant", subjects.clock.invariant != 0}}},
                   {"method", method_facts(options.plan, subjects.input, measurement)},
                   {"scenarios", scenario_facts(measurement, subjects.clock)},
                   {"budgets", budget_facts(options.budgets)},
                   {"soak", soak},
                   {"audit", audit_facts(audit.after(run_facts(options, subjects, measurement, *gaps)))},
                   {"counters", counter_facts(measurement)}});
  json work = json::array();
  for (const double ns : measurement.fixed_work_ns) work.push_back(decimal(ns));
  document["floors"]["fixed_work_ns"] = work;
  add_results(measurement.others, &document);
  derive(measurement.evidence, &document);
  return report(options, measurement.evidence, &document);
}

}  // namespace tickmlp::bench
