// SPDX-License-Identifier: Apache-2.0
// `tickmlp soak`: pin, load, keep calling, report.
#include <cstdio>
#include <ctime>

#include "commands.h"
#include "npy.h"
#include "output_file.h"
#include "progress.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// One line, one write: a reader of the pipe sees it whole. A pipe that is closed does not end the soak.
void print_alert(const SoakAlert& alert) {
  json line = alert_json(alert);
  line["time"] = utc_now();
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// The golden vectors, or a file; non-finite states are welcome here, they make calls fail.
Matrix choose_states(const std::string& path, const Model& model, const tickmlp_model_info& info) {
  if (!path.empty()) return read_npy(path, info.inputs);
  const float *inputs = nullptr, *outputs = nullptr;
  const std::uint64_t count = tickmlp_model_golden(model.get(), &inputs, &outputs);
  return {count, info.inputs, {inputs, inputs + count * info.inputs}};
}

}  // namespace

int soak_command(const SoakOptions& options) {
  catch_interrupts();
  if (!options.json.empty()) check_target(options.json, {options.blob, options.input});
  const std::string started = utc_now();
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  tickmlp_error error{};
  Subject subject{};
  if (const auto status = tickmlp_pin_thread(core, &error); status != TICKMLP_OK) fail("cannot soak", status, error);
  if (const auto status = tickmlp_clock_calibrate(&subject.clock, &error); status != TICKMLP_OK)
    fail("cannot soak", status, error);
  const Model model = load_model(options.blob, options.kernel);
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  const Session session = open_session(model);
  const Window window = options.plan.tick ? open_window(model) : nullptr;
  const Matrix states = choose_states(options.input, model, info);
  if (states.rows == 0) refuse(printable(options.input) + ": no states; expected at least one");
  subject.session = session.get();
  subject.window = window.get();
  subject.model = &info;
  subject.states = states.values.data();
  subject.count = states.rows;

  ProgressBar bar("soak");
  const SoakResult result =
      soak(subject, options.plan,
           {[&](double done) { bar.show(done); }, [&](const SoakAlert& alert) { bar.clear(), print_alert(alert); }});
  bar.clear();
  const json report{
      {"schema", "tickmlp-soak/1"},
      {"command", options.command},
      {"started", started},
      {"finished", utc_now()},
      {"core", core},
      {"clock_step_ns", subject.clock.step_ns},
      {"model",
       {{"name", info.name}, {"dtype", dtype_name(info.type)}, {"blob_sha256", hexadecimal(info.blob_sha256)}}},
      {"kernel", info.kernel},
      {"soak", soak_json(result)}};
  if (!options.json.empty())
    write_atomically(options.json, {report.dump(2, ' ', false, json::error_handler_t::replace), "\n"});
  print(std::string(info.name) + ", " + dtype_name(info.type) + ", " + info.kernel + ", core " + std::to_string(core) +
        "\n" + soak_table(result));
  flush_output();
  if (result.interrupt_signal != 0) return 128 + result.interrupt_signal;
  return result.saturated ? kInconclusive : result.critical_alerts() != 0 ? kFail : kPass;
}

}  // namespace tickmlp::bench
