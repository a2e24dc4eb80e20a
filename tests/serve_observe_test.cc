// SPDX-License-Identifier: Apache-2.0
// The server's cache, figures and access log by themselves: against plain containers, with every hash the same, full.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <list>
#include <random>
#include <thread>
#include <vector>

#include "serve/cache/cache.h"
#include "serve/log/access.h"
#include "serve/log/line.h"
#include "serve/log/traceparent.h"
#include "serve/metrics/exposition.h"
#include "serve/metrics/meter.h"

namespace {

using namespace tickmlp::serve;

constexpr std::size_t kEntries = 20;
constexpr std::uint64_t kTtl = 1000;

// The same with std::list, which compares everything.
struct Plain {
  struct Entry {
    std::vector<std::uint8_t> blob;
    std::vector<float> inputs, outputs;
    std::uint64_t made;
  };
  std::list<Entry> entries;

  static bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }
  const Entry* find(const std::vector<std::uint8_t>& blob, const std::vector<float>& inputs, std::size_t outputs,
                    std::uint64_t now) {
    for (auto at = entries.begin(); at != entries.end(); ++at) {
      if (at->blob != blob || !same(at->inputs, inputs) || at->outputs.size() != outputs) continue;
      if (now - at->made > kTtl) {
        entries.erase(at);
        return nullptr;
      }
      entries.splice(entries.begin(), entries, at);
      return &entries.front();
    }
    return nullptr;
  }
  void insert(Entry entry) {
    if (entries.size() == kEntries) entries.pop_back();
    entries.push_front(std::move(entry));
  }
};

// Few models, inputs and lengths, so that everything that may be confused is asked again and again.
void compare_with_plain(std::uint64_t hash_mask) {
  Cache cache(kEntries, kTtl, hash_mask);
  Plain plain;
  std::mt19937 random(7);
  std::uint64_t now = 5000, hits = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += random() % 40;
    std::vector<std::uint8_t> blob(32, 9);
    blob[random() % 2 == 0 ? 0 : 31] = static_cast<std::uint8_t>(random() % 3);
    std::vector<float> inputs(3 * (1 + random() % 2), 0.5F);
    if (const auto value = random() % 5; value != 0) inputs[random() % inputs.size()] = static_cast<float>(value);
    if (random() % 8 == 0) inputs[0] = random() % 2 == 0 ? -0.0F : 0.0F;
    Cache::Question question{blob.data(), inputs, 1 + random() % 2};
    question.hash = cache.hash_of(question);
    const float* found = cache.find(question, now);
    const Plain::Entry* expected = plain.find(blob, inputs, question.outputs, now);
    REQUIRE((found != nullptr) == (expected != nullptr));
    if (found != nullptr) {
      ++hits;
      REQUIRE(std::memcmp(found, expected->outputs.data(), question.outputs * sizeof(float)) == 0);
      continue;
    }
    const std::vector<float> outputs(question.outputs, static_cast<float>(i));
    cache.insert(question, outputs.data(), now);
    plain.insert({blob, inputs, outputs, now});
    REQUIRE(cache.size() == plain.entries.size());
  }
  CHECK(hits > 1000);
}

TEST_CASE("cache: the answers of a plain list, in its order of use") { compare_with_plain(~std::uint64_t{0}); }
TEST_CASE("cache: also where every question has the same hash") { compare_with_plain(0); }

TEST_CASE("cache: what is larger than an entry is not kept") {
  Cache cache(4, kTtl);
  const std::vector<std::uint8_t> blob(32);
  const std::vector<float> inputs(Cache::kFloats), outputs(1);
  Cache::Question question{blob.data(), inputs, 1};
  CHECK(!Cache::fits(question));
  cache.insert(question, outputs.data(), 1);
  CHECK(cache.size() == 0);
  question.inputs = question.inputs.first(Cache::kFloats - 1);
  CHECK(Cache::fits(question));
  cache.insert(question, outputs.data(), 1);
  CHECK(cache.size() == 1);
}

TEST_CASE("cache: two servers hash with different keys") {
  const std::vector<std::uint8_t> blob(32);
  const std::vector<float> inputs(420, 0.25F);
  const Cache::Question question{blob.data(), inputs, 10};
  CHECK(Cache(1, 1).hash_of(question) != Cache(1, 1).hash_of(question));
}

TEST_CASE("access log: a full ring loses records and says so") {
  const auto log = std::make_unique<AccessLog>("t", AccessPolicy{AccessPolicy::Kind::all});
  AccessRecord record("GET", "/", "", "");
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
  meter.answered(200, 10, 20, {"POST", "/x", "\"7\"", ""});
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
