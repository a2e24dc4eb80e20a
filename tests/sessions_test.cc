// SPDX-License-Identifier: Apache-2.0
// Several sessions at once, and the response time of a real model: what they count and what they refuse, no timing.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <cmath>

#include <string>
#include <vector>

#include "measure/response.h"
#include "measure/sessions.h"
#include "model.h"

using namespace tickmlp::bench;

namespace {

std::vector<int> allowed_cores() {
  cpu_set_t set;
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

struct Tactical {
  Model model = load_model(std::string(TICKMLP_SOURCE_ROOT) + "/weights/tactical-int8.blob", "");
  Session session = open_session(model);
  Window window = open_window(model);
  std::vector<float> states;
  Subject subject{};
  Tactical() {
    const float *inputs = nullptr, *outputs = nullptr;
    subject.session = session.get();
    subject.window = window.get();
    subject.model = tickmlp_model_describe(model.get());
    subject.count = tickmlp_model_golden(model.get(), &inputs, &outputs);
    states.assign(inputs, inputs + subject.count * subject.model->inputs);
    subject.states = states.data();
    REQUIRE_EQ(tickmlp_clock_calibrate(&subject.clock, nullptr), TICKMLP_OK);
  }
  Tactical(const Tactical&) = delete;
  std::string refusal(const SessionsPlan& plan) {
    try {
      measure_sessions(model, subject, plan);
    } catch (const Failure& failure) {
      CHECK_EQ(failure.exit_code, kRefused);
      return failure.message;
    }
    return "";
  }
};

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("each core has its own session and recorder, and all of their samples") {
  Tactical tactical;
  std::vector<int> cores = allowed_cores();
  cores.resize(std::min<std::size_t>(cores.size(), 3));
  const std::size_t blocks = library_blocks().size();
  const SessionsResult result = measure_sessions(tactical.model, tactical.subject, {cores, 2'000, 500});
  CHECK(result.complete);
  REQUIRE_EQ(result.sessions.size(), cores.size());
  for (std::size_t i = 0; i < cores.size(); ++i) {
    const SessionOnCore& session = result.sessions[i];
    CHECK_EQ(session.core, cores[i]);
    CHECK_EQ(session.calls.calls, 2'000);
    CHECK_EQ(session.calls.errors, 0);
    CHECK_EQ(session.recorder.count + session.calls.backwards, 2'000);
    CHECK_GT(session.recorder.minimum, 0);
  }
  CHECK_EQ(library_blocks().size(), blocks);
}

TEST_CASE("ticks of several sessions, each with a window of its own") {
  Tactical tactical;
  std::vector<int> cores = allowed_cores();
  cores.resize(std::min<std::size_t>(cores.size(), 2));
  const std::size_t blocks = library_blocks().size();
  const SessionsPlan plan{cores, 2'000, 500, 1, true};
  const SessionsResult result = measure_sessions(tactical.model, tactical.subject, plan);
  CHECK(result.complete);
  for (const SessionOnCore& session : result.sessions) {
    CHECK_EQ(session.calls.calls, 2'000);
    CHECK_EQ(session.calls.errors, 0);
  }
  tickmlp_counters counters;  // the subject's own session and window were left alone
  tickmlp_window_counters(tactical.window.get(), &counters);
  CHECK_EQ(counters.inferences, 0);
  CHECK_EQ(library_blocks().size(), blocks);
}

TEST_CASE("the slowest calls of each session are kept, with their re-run and what their own core went through") {
  Tactical tactical;
  std::vector<int> cores = allowed_cores();
  while (cores.size() > 2) cores.pop_back();
  // More than one chunk.
  const SessionsResult result = measure_sessions(tactical.model, tactical.subject, {cores, 5'000, 100, 3});
  WorstSamples all;
  std::uint64_t slowest = 0;
  for (const SessionOnCore& session : result.sessions) {
    const std::vector<WorstSample> worst = session.worst.sorted();
    REQUIRE_EQ(worst.size(), WorstSamples::kKept);
    for (const WorstSample& sample : worst) CHECK_EQ(sample.run, 3);
    // The recorder knows its slowest call to the slot, 1.6 % wide.
    CHECK_LE(worst.front().ns, session.recorder.maximum);
    CHECK_GE(static_cast<double>(worst.front().ns) * 1.016 + 1, static_cast<double>(session.recorder.maximum));
    CHECK_FALSE(session.worst.chunk_open());
    slowest = std::max(slowest, worst.front().ns);
    all.add(session.worst, "core " + std::to_string(session.core) + ": ");
  }
  REQUIRE_EQ(all.sorted().size(), WorstSamples::kKept);
  CHECK_EQ(all.sorted().front().ns, slowest);
  for (const WorstSample& sample : all.sorted()) {
    const bool named = std::any_of(cores.begin(), cores.end(), [&](int core) {
      return sample.cause.starts_with("core " + std::to_string(core) + ": ");
    });
    CHECK((sample.cause.empty() || named));  // unknown where /proc tells nothing
  }
}

TEST_CASE("the slowest of two lists are kept in one, whatever their order") {
  WorstSamples all, few, many;
  for (std::uint64_t ns = 1; ns <= 30; ++ns) many.offer(10 * ns, ns);
  many.close_chunk(1, "a timer interrupt");
  few.offer(255, 7);
  few.close_chunk(2, "");
  all.add(few, "core 4: ");
  all.add(many, "core 5: ");
  const std::vector<WorstSample> worst = all.sorted();
  REQUIRE_EQ(worst.size(), WorstSamples::kKept);
  CHECK_EQ(worst[0].ns, 300);
  CHECK_EQ(worst[0].cause, "core 5: a timer interrupt");
  CHECK_EQ(worst[5].ns, 255);
  CHECK_EQ(worst[5].cause, "");
  CHECK_EQ(worst[9].ns, 220);
}

TEST_CASE("a core that is not there, a core twice, a state that is no number") {
  Tactical tactical;
  const int core = allowed_cores().at(0);
  const std::string missing = tactical.refusal({{core, 8191}, 100, 10});
  CHECK(has(missing, "pin-failed"));
  CHECK(has(missing, "core 8191"));
  const std::string twice = tactical.refusal({{core, core}, 100, 10});
  CHECK(has(twice, "core " + std::to_string(core) + " is given twice"));
  tactical.states[0] = NAN;
  const SessionsResult result = measure_sessions(tactical.model, tactical.subject, {{core}, 100, 0});
  CHECK_FALSE(result.complete);
  CHECK_EQ(result.sessions[0].calls.first_error, TICKMLP_NON_FINITE_INPUT);
}

TEST_CASE("a model's response time: every arrival is counted, or it is saturated and nothing is") {
  Tactical tactical;
  FullWork full(tactical.subject);
  TickWork tick(tactical.subject);
  tickmlp_recorder recorder;
  tickmlp_recorder_reset(&recorder);
  const Response slow = measure_response(tactical.subject.clock, {Arrivals::kPoisson, 2e3, 200, 1}, &full, &recorder);
  CHECK(slow.complete);
  CHECK_GT(slow.capacity_per_s, 0);
  CHECK_EQ(recorder.count, slow.saturated ? 0 : 200);  // saturated: an emulator
  if (!slow.saturated) {
    CHECK_EQ(slow.calls.calls, 200);
    CHECK_GT(slow.offered_per_s, 1e3);
    CHECK_LT(slow.offered_per_s, 4e3);
  }
  tickmlp_recorder_reset(&recorder);
  const Response fast = measure_response(tactical.subject.clock, {Arrivals::kConstant, 1e9, 200, 1}, &tick, &recorder);
  CHECK(fast.saturated);
  CHECK(fast.complete);
  CHECK_GT(fast.capacity_per_s, 0);
  CHECK_LT(fast.capacity_per_s, 1e9);
  CHECK_EQ(fast.achieved_per_s, 0);
  CHECK_EQ(recorder.count, 0);
  tactical.states[0] = INFINITY;
  const Response failed = measure_response(tactical.subject.clock, {Arrivals::kConstant, 1e4, 9, 1}, &full, &recorder);
  CHECK_FALSE(failed.complete);
  CHECK_EQ(failed.calls.first_error, TICKMLP_NON_FINITE_INPUT);
}
