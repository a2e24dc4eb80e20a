// SPDX-License-Identifier: Apache-2.0
// The server's figures, meter and access log by themselves.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "serve/log/access.h"
#include "serve/log/line.h"
#include "serve/metrics/exposition.h"
#include "serve/metrics/meter.h"

namespace {

using namespace tickmlp::serve;

TEST_CASE("access log: a full ring loses records and says so") {
  const auto log = std::make_unique<AccessLog>("t", AccessPolicy{AccessPolicy::Kind::all});
  AccessRecord record("GET", "/", "", "", "");
  std::size_t taken = 0;
  while (log->take(record)) ++taken;
  CHECK(taken >= AccessLog::kRecords - 1);
  CHECK(!log->take(record));
  CHECK(log->drain([](const AccessRecord&) {}) == taken);
  CHECK(log->take(record));
}

TEST_CASE("access log: which policies there are") {
  CHECK(read_access_policy("slow=2ms")->slow_ns == 2'000'000);
  CHECK(read_access_policy("sample=10")->every == 10);
  for (const char* none : {"", "al", "slow", "slow=", "slow=1", "slow=1h", "sample=0", "sample=1x", "=1", "slow=ms"})
    CHECK(!read_access_policy(none));
}

TEST_CASE("figures: generations are kept apart, the last eight of them") {
  const auto model = std::make_unique<ModelFigures>("m");
  for (std::uint64_t generation = 0; generation < 12; ++generation)
    for (std::uint64_t i = 0; i <= generation; ++i) model->executed(generation, 2, 100);
  for (std::uint64_t generation = 0; generation < 12; ++generation) {
    VersionFigures seen;
    model->add_version(generation, &seen);
    CHECK(seen.executions.get() == (generation < 4 ? 0 : generation + 1));
    CHECK(seen.states.get() == 2 * seen.executions.get());
    CHECK(seen.batches[0].infer.count.get() == seen.executions.get());
  }
  VersionFigures all;
  model->add_all(&all);
  CHECK(all.executions.get() == 78);
}

TEST_CASE("figures: sums are whole and never fall while generations come and go") {
  const auto model = std::make_unique<ModelFigures>("m");
  std::atomic<bool> ended = false;
  std::atomic<std::uint64_t> reads = 0;
  std::uint64_t written = 0;
  std::thread writer([&] {
    for (; written < 100'000 || reads < 100; ++written) model->executed(written / 3, 2, 100);
    ended = true;
  });
  std::uint64_t last = 0;
  bool falls = false;
  while (!ended) {
    VersionFigures seen;
    model->add_all(&seen);
    falls = falls || seen.states.get() < last;
    last = seen.states.get();
    ++reads;
  }
  writer.join();
  VersionFigures seen;
  model->add_all(&seen);
  CHECK(!falls);
  CHECK(seen.states.get() == 2 * written);
  CHECK(seen.infer.ns.get() == 100 * written);
}

TEST_CASE("figures: the histogram counts every time in its bucket") {
  Metrics metrics;
  ModelFigures& model = metrics.model(metrics.add_thread("a"), "m");
  for (const std::uint64_t ns : {0UL, 250UL, 251UL, 1'000UL, 1'001UL, 2'000'000'000UL}) {
    const StageTimes times = {ns, ns, ns, ns, ns};
    model.answered(1, 1, true, &times);
  }
  const std::string text = exposition(metrics, {});
  const auto has = [&](const char* line) { return text.find(line) != std::string::npos; };
  CHECK(has(
      "tickmlp_serve_duration_seconds_bucket{model=\"m\",protocol=\"http\",stage=\"kernel\",le=\"0.00000025\"} 2\n"));
  CHECK(
      has("tickmlp_serve_duration_seconds_bucket{model=\"m\",protocol=\"http\",stage=\"kernel\",le=\"0.000001\"} 4\n"));
  CHECK(has("tickmlp_serve_duration_seconds_bucket{model=\"m\",protocol=\"http\",stage=\"kernel\",le=\"+Inf\"} 6\n"));
  CHECK(has("tickmlp_serve_duration_seconds_sum{model=\"m\",protocol=\"http\",stage=\"kernel\"} 2.000002502\n"));
  CHECK(has("tickmlp_serve_inferences_total{model=\"m\",protocol=\"http\"} 6\n"));
}

TEST_CASE("figures: what was not timed is counted, and what was stands for its like") {
  Metrics metrics;
  ModelFigures& model = metrics.model(metrics.add_thread("a", Protocol::shared_memory), "m");
  const StageTimes times = {0, 1, 20, 3, 24};
  for (int i = 0; i < 15; ++i) model.answered(1, 2, true, nullptr);
  model.answered(1, 2, true, &times, 16);
  VersionFigures all;
  model.add_all(&all);
  CHECK(all.success.count.get() == 16);
  CHECK(all.success.ns.get() == 16 * 24);
  CHECK(all.input.ns.get() == 16);
  CHECK(all.batches[0].output.count.get() == 16);
  CHECK(all.batches[0].output.ns.get() == 48);
  const std::string text = exposition(metrics, {});
  const auto has = [&](const char* line) { return text.find(line) != std::string::npos; };
  CHECK(has("tickmlp_serve_inferences_total{model=\"m\",protocol=\"shared_memory\"} 16\n"));
  CHECK(has("_seconds_count{model=\"m\",protocol=\"shared_memory\",stage=\"total\"} 1\n"));
  CHECK_FALSE(has("protocol=\"http\""));
  CHECK_FALSE(has("tickmlp_serve_connections{"));
}

TEST_CASE("meter: what came whole has no time of receiving") {
  Metrics metrics;
  ThreadFigures& thread = metrics.add_thread("a", Protocol::grpc);
  ModelFigures& model = metrics.model(thread, "m");
  AccessLog log("a", AccessPolicy{AccessPolicy::Kind::all}, Protocol::grpc);
  Meter meter(thread, metrics.clock(), &log);
  meter.arrived();
  Exchange& exchange = meter.current();
  exchange.model = &model;
  const std::uint64_t begin = tickmlp_clock_begin();
  exchange.note(3, false, begin, tickmlp_clock_end());
  meter.answered(200, 10, 20, {"POST", "/x", "\"7\"", "", ""});
  meter.sending();
  meter.sent();
  std::uint64_t stages = 0;
  for (std::size_t i = 0; i + 1 < kStages.size(); ++i) stages += model.stages[i].sum_ns.get();
  CHECK(stages > 0);
  CHECK(stages <= model.stages.back().sum_ns.get());
  CHECK(log.drain([&](const AccessRecord& record) {
    const std::string line = access_line(LogLevel::info, log, record);
    CHECK(line.find(R"("protocol":"grpc")") != std::string::npos);
    CHECK(line.find(R"("id":"\"7\"")") != std::string::npos);  // a text, not JSON
  }) == 1);
}

TEST_CASE("meter: the requests of one turn share its network time, and an answer outside a turn counts too") {
  Metrics metrics;
  ThreadFigures& thread = metrics.add_thread("a");
  ModelFigures& model = metrics.model(thread, "m");
  Meter meter(thread, metrics.clock(), nullptr);
  meter.receiving();
  meter.received();
  for (int i = 0; i < 3; ++i) {
    meter.current().model = &model;
    const std::uint64_t begin = tickmlp_clock_begin();
    meter.current().note(1, false, begin, tickmlp_clock_end());
    meter.answered(200, 10, 20, {});
  }
  meter.sending();
  meter.sent();
  meter.answered(408, 0, 5, {});
  meter.sending();
  meter.sent();
  VersionFigures all;
  model.add_all(&all);
  CHECK(all.success.count.get() == 3);
  CHECK(thread.received_bytes.get() == 30);
  CHECK(thread.sent_bytes.get() == 65);
  std::uint64_t stages = 0;
  for (std::size_t i = 0; i + 1 < kStages.size(); ++i) stages += model.stages[i].sum_ns.get();
  CHECK(stages <= model.stages.back().sum_ns.get());
}

}  // namespace
