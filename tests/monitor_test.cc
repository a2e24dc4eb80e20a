// SPDX-License-Identifier: Apache-2.0
// The text that a housekeeping thread publishes: figures, labels, escaping, sizes.
#include <algorithm>
#include <cmath>

#include "monitored.h"

using namespace tickmlp::testing;

TEST_CASE("every bucket holds the samples up to its bound, and no other") {
  Monitored m;
  std::vector<std::uint64_t> samples;
  for (std::uint64_t ns = 1; ns < 4'000'000'000; ns = ns * 21 / 20 + 1) samples.push_back(ns);
  for (const std::uint64_t ns : samples) tickmlp_recorder_record(m.recorder.get(), ns);
  const std::string text = m.text();
  std::istringstream lines(text);
  int buckets = 0;
  double last_bound = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t bound_at = line.find(",le=\"");
    if (bound_at == std::string::npos) continue;
    const std::string bound = line.substr(bound_at + 5, line.find('"', bound_at + 5) - bound_at - 5);
    const double seconds = bound == "+Inf" ? HUGE_VAL : std::stod(bound);
    CAPTURE(bound);
    std::uint64_t expected = 0;
    for (const std::uint64_t ns : samples) expected += static_cast<double>(ns) < seconds * 1e9 + 0.5;
    CHECK_EQ(line.substr(line.rfind(' ') + 1), std::to_string(expected));
    CHECK_GT(seconds, last_bound);
    last_bound = seconds;
    ++buckets;
  }
  CHECK_EQ(buckets, 6 * 7 + 2);
  CHECK_EQ(value(text, "tickmlp_inference_duration_seconds_count"), std::to_string(samples.size()));
  double sum = 0;  // known to half a slot, 0.8 %; beyond the range 2^30 ns each
  for (const std::uint64_t ns : samples) sum += std::min(static_cast<double>(ns), std::exp2(30)) / 1e9;
  CHECK_EQ(std::stod(value(text, "tickmlp_inference_duration_seconds_sum")), doctest::Approx(sum).epsilon(0.008));
}

TEST_CASE("counters, labels and the figures of the interval") {
  Monitored m;
  const tickmlp_model_info& info = *tickmlp_model_describe(m.loaded.model);
  std::vector<float> state(info.inputs), output(info.outputs);
  for (int i = 0; i < 5; ++i) tickmlp_infer(m.session, state.data(), state.size(), output.data(), output.size());
  state[7] = 1e9f;
  tickmlp_infer(m.session, state.data(), state.size(), output.data(), output.size());
  state[7] = NAN;
  tickmlp_infer(m.session, state.data(), state.size(), output.data(), output.size());
  for (int i = 0; i < 99; ++i) tickmlp_recorder_record(m.recorder.get(), 500);
  const std::string first = m.text();
  CHECK_NE(first.find("{process=\"desk-3\",model=\"tactical\",generation=\"1\",kernel=\"int8-"), std::string::npos);
  CHECK_NE(first.find(",path=\"full\",core=\"3\"} 6\n"), std::string::npos);
  CHECK_EQ(value(first, "tickmlp_inferences_total"), "6");
  CHECK_EQ(value(first, "tickmlp_refused_inferences_total"), "1");
  CHECK_EQ(value(first, "tickmlp_clipped_inputs_total"), "1");
  CHECK_EQ(value(first, "tickmlp_interval_p50_seconds"), "0.0000005");
  CHECK_EQ(value(first, "tickmlp_interval_p99_seconds"), "0 lines");  // of 99 samples there is none
  CHECK_EQ(value(first, "tickmlp_interval_length_seconds"), "0");
  for (int i = 0; i < 100; ++i) tickmlp_recorder_record(m.recorder.get(), 700);
  const std::string second = m.text();
  CHECK_EQ(value(second, "tickmlp_interval_samples"), "100");
  CHECK_EQ(value(second, "tickmlp_interval_p99_seconds"), "0.0000007");
  CHECK_EQ(value(second, "tickmlp_interval_max_seconds"), "0.0000007");
  CHECK_EQ(value(second, "tickmlp_inference_duration_seconds_count"), "199");
  CHECK_GT(std::stod(value(second, "tickmlp_interval_length_seconds")), 0);
  CHECK_EQ(value(m.text(), "tickmlp_interval_max_seconds"), "0 lines");  // nothing came
}

TEST_CASE("a recorder that was reset starts a new interval") {
  Monitored m;
  for (int i = 0; i < 9; ++i) tickmlp_recorder_record(m.recorder.get(), 500);
  m.text();
  tickmlp_recorder_reset(m.recorder.get());
  tickmlp_recorder_record(m.recorder.get(), 80);
  const std::string text = m.text();
  CHECK_EQ(value(text, "tickmlp_interval_samples"), "1");
  CHECK_EQ(value(text, "tickmlp_inference_duration_seconds_count"), "1");
  CHECK_EQ(m.snapshot->total.minimum, 80);
  CHECK_EQ(m.snapshot->total.maximum, 80);
}

TEST_CASE("texts of the host are escaped, and what is no UTF-8 is replaced") {
  Monitored m;
  m.monitor.process = "a\"b\\c\nd\te\xC3\xA4\xC3(\xED\xA0\x80";
  const std::string replaced = "\xEF\xBF\xBD", start = "a\\\"b\\\\c\\nd";
  const std::string end = "e\xC3\xA4" + replaced + "(" + replaced + replaced + replaced + "\"";
  CHECK_NE(m.text().find("{process=\"" + start + "\t" + end), std::string::npos);
  CHECK_NE(m.text(tickmlp_monitor_json).find("\"process\":\"" + start + "\\u0009" + end), std::string::npos);
}

TEST_CASE("the size is known beforehand, what does not fit leaves an empty text, and the promised size is enough") {
  Monitored m;
  const std::string longest(64, '\xFF');
  m.monitor.process = m.source.path = longest.c_str();
  m.source.core = 8191;
  std::fill(std::begin(m.recorder->slots), std::end(m.recorder->slots), UINT64_MAX / 4000);
  for (const auto format : {tickmlp_monitor_prometheus, tickmlp_monitor_json}) {
    const std::string text = m.text(format);
    CHECK_EQ(format(&m.monitor, nullptr, 0), text.size());
    std::vector<char> small(text.size() + 2, 'x');
    CHECK_EQ(format(&m.monitor, small.data(), text.size()), text.size());
    CHECK_EQ(small[0], 0);
    CHECK_EQ(small[text.size()], 'x');
    CHECK_EQ(format(&m.monitor, small.data(), text.size() + 1), text.size());
    CHECK_EQ(std::string(small.data()), text);
    CHECK_EQ(small[text.size() + 1], 'x');
  }
}
