// SPDX-License-Identifier: Apache-2.0
#include "compare/sampler.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli.h"
#include "compare/compare.h"
#include "compare/process.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kMostShown = 160;  // characters of somebody else's output

std::string first_line(const std::string& text) {
  std::string line = printable(text.substr(0, text.find('\n')));
  if (line.size() > kMostShown) line = line.substr(0, kMostShown) + "...";
  return line.empty() ? "nothing" : "\"" + line + "\"";
}

[[noreturn]] void bad(const Side& side, const char* name, const std::string& what) {
  refuse(side.label + ", " + printable(side.name) + ": " + name + ": " + what);
}

Finished run_side(const Side& side, const std::vector<std::string>& words, double timeout) {
  Finished finished = run_process(words, timeout);
  if (g_interrupt_signal != 0) throw Failure{128 + g_interrupt_signal, "interrupted; nothing was written"};
  if (!finished.start_error.empty())
    bad(side, "program-start", printable(words[0]) + " cannot be started: " + finished.start_error);
  if (finished.timed_out)
    bad(side, "sample-timeout", "`" + words[1] + "` did not end within " + fixed_point(timeout, 1) + " s (--timeout)");
  if (finished.signal != 0)
    bad(side, "sample-signal",
        "`" + words[1] + "` was ended by signal " + std::to_string(finished.signal) + ", " +
            strsignal(finished.signal));
  return finished;
}

// A line being read; every refusal says what was seen.
struct Reader {
  const Side& side;
  const json& line;

  [[noreturn]] void bad_field(const char* key, const char* expected) const {
    const std::string seen = line.contains(key) ? line[key].dump(-1, ' ', false, json::error_handler_t::replace) : "";
    bad(side, "sample-output", std::string(key) + " is " + first_line(seen) + "; expected " + expected);
  }
  std::string text(const char* key) const {
    if (!line.contains(key) || !line[key].is_string()) bad_field(key, "text");
    return printable(line[key].get<std::string>());
  }
  double number(const char* key) const {
    const double value = line.contains(key) && line[key].is_number() ? line[key].get<double>() : NAN;
    if (!std::isfinite(value) || value <= 0) bad_field(key, "a number above 0");
    return value;
  }
};

Sample parse_sample(const Side& side, const std::string& output) {
  const json line = json::parse(output, nullptr, false);
  if (line.is_discarded() || !line.is_object())
    bad(side, "sample-output", "printed " + first_line(output) + "; expected one line of JSON");
  const Reader reader{side, line};
  if (reader.text("schema") != kSampleSchema) reader.bad_field("schema", kSampleSchema);
  Sample sample{reader.text("kernel"),         reader.text("dtype"),
                reader.text("path"),           reader.text("blob_sha256"),
                reader.text("outputs_sha256"), reader.number("central_ns"),
                reader.number("p50_ns"),       reader.number("timer_ns"),
                reader.number("step_ns"),      0};
  sample.count = static_cast<std::uint64_t>(std::min(reader.number("count"), 1e15));
  return sample;
}

}  // namespace

void check_program(Side* side, double timeout) {
  struct stat status {};
  const bool there = stat(side->binary.c_str(), &status) == 0;
  if (!there || !S_ISREG(status.st_mode) || access(side->binary.c_str(), X_OK) != 0)
    bad(*side, "program-open", !there ? std::strerror(errno) : "is no executable file; expected a tickmlp");
  const Finished finished = run_side(*side, {side->binary, "--version"}, timeout);
  side->version = first_line(finished.output);
  if (finished.exit_code != 0 || finished.output.rfind("tickmlp ", 0) != 0)
    bad(*side, "not-tickmlp", "printed " + side->version + " for --version; expected \"tickmlp\" and its version");
  side->version = side->version.substr(1, side->version.size() - 2);
}

Sample take_sample(const Side& side, const SampleRequest& request) {
  std::vector<std::string> words{side.binary,
                                 "sample",
                                 side.blob,
                                 "--path",
                                 request.path,
                                 "--core",
                                 std::to_string(request.core),
                                 "--seconds",
                                 json(request.seconds).dump()};
  if (!side.kernel.empty()) words.insert(words.end(), {"--kernel", side.kernel});
  if (!request.input.empty()) words.insert(words.end(), {"--input", request.input});
  const Finished finished = run_side(side, words, request.timeout);
  if (finished.exit_code != 0)
    bad(side, "sample-exit",
        "`sample` ended with exit code " + std::to_string(finished.exit_code) + " and said " +
            first_line(finished.errors));
  Sample sample = parse_sample(side, finished.output);
  if (sample.path != request.path)
    bad(side, "sample-path", "measured the " + sample.path + " path; expected the " + request.path + " path");
  return sample;
}

}  // namespace tickmlp::bench
