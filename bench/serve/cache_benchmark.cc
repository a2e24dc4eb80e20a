// SPDX-License-Identifier: Apache-2.0
// When the server's response cache is worth it: an inference of the tactical model through the cache, over the share of
// questions that were asked before, beside the inference alone. The input lies in L1, as it does after parsing; which
// of the kept answers is asked for is drawn at random, so with many of them each lookup goes to memory.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "serve/cache/cache.h"
#include "tickmlp.h"

namespace {

using tickmlp::serve::Cache;

constexpr std::size_t kInputs = 420, kOutputs = 10;
constexpr std::uint64_t kForever = ~std::uint64_t{0} >> 1;

class Tactical {
 public:
  explicit Tactical(const std::string& type) : inputs_(kInputs), outputs_(kOutputs) {
    const std::string path = TICKMLP_SOURCE_ROOT "/weights/tactical-" + type + ".blob";
    tickmlp_error error{};
    if (tickmlp_model_load(path.c_str(), nullptr, &model_, &error) != TICKMLP_OK ||
        tickmlp_session_create(model_, nullptr, &session_, &error) != TICKMLP_OK)
      throw std::runtime_error(error.message);
    std::mt19937 random(3);
    for (float& input : inputs_) input = std::uniform_real_distribution<float>(-1, 1)(random);
  }
  ~Tactical() {
    tickmlp_session_free(session_);
    tickmlp_model_free(model_);
  }
  Tactical(const Tactical&) = delete;

  // Question `number`: two inputs say which, the others are the same.
  void ask(std::uint32_t number) {
    inputs_[0] = static_cast<float>(number & 0xffff) / 65536;
    inputs_[1] = static_cast<float>(number >> 16) / 65536;
  }
  const float* compute() {
    if (tickmlp_infer(session_, inputs_.data(), kInputs, outputs_.data(), kOutputs) != TICKMLP_OK)
      throw std::runtime_error("not computed");
    return outputs_.data();
  }
  const float* through(Cache& cache) {
    Cache::Question question{tickmlp_model_describe(model_)->blob_sha256, inputs_, kOutputs};
    question.hash = cache.hash_of(question);
    if (const float* found = cache.find(question, 1)) {
      std::memcpy(outputs_.data(), found, kOutputs * sizeof(float));
      return outputs_.data();
    }
    compute();
    cache.insert(question, outputs_.data(), 1);
    return outputs_.data();
  }

 private:
  tickmlp_model* model_ = nullptr;
  tickmlp_session* session_ = nullptr;
  std::vector<float> inputs_, outputs_;
};

// The numbers of questions: `hits` of a hundred are among the newest `entries`, the others are new.
class Numbers {
 public:
  Numbers(std::uint32_t entries, unsigned hits) : entries_(entries), hits_(hits) {}
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    const auto random = static_cast<std::uint32_t>(state_ >> 32);
    if (random % 100 >= hits_) return newest_++;
    return newest_ - 1 - static_cast<std::uint32_t>((std::uint64_t{random} * entries_ * 9 / 10) >> 32);
  }
  std::uint32_t fill() { return newest_++; }

 private:
  const std::uint32_t entries_;
  const unsigned hits_;
  std::uint32_t newest_ = 0;
  std::uint64_t state_ = 7;
};

void alone(benchmark::State& state, const std::string& type) {
  Tactical model(type);
  Numbers numbers(1, 0);
  for (auto _ : state) {
    model.ask(numbers.next());
    benchmark::DoNotOptimize(model.compute());
  }
}

void cached(benchmark::State& state, const std::string& type) {
  Tactical model(type);
  const auto entries = static_cast<std::uint32_t>(state.range(0));
  const auto cache = std::make_unique<Cache>(entries, kForever);
  Numbers numbers(entries, static_cast<unsigned>(state.range(1)));
  for (std::uint32_t i = 0; i < entries; ++i) {
    model.ask(numbers.fill());
    model.through(*cache);
  }
  for (auto _ : state) {
    model.ask(numbers.next());
    benchmark::DoNotOptimize(model.through(*cache));
  }
}

void add_all() {
  for (const std::string type : {"int8", "float32"}) {
    benchmark::RegisterBenchmark(("alone/" + type).c_str(), alone, type);
    auto* through = benchmark::RegisterBenchmark(("cached/" + type).c_str(), cached, type);
    through->ArgNames({"entries", "hits"});
    for (const int entries : {100, 1'000, 100'000})
      for (const int hits : {0, 50, 90, 100}) through->Args({entries, hits});
  }
}

}  // namespace

int main(int argc, char** argv) {
  add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
