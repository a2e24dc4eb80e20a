// SPDX-License-Identifier: Apache-2.0
// What measuring itself costs: a record of a million varied values, amortised; the two readings of the clock round a
// timed region; ticks to nanoseconds. The values lie in an array made beforehand, 8 bytes each, read in order.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tickmlp.h"

namespace {

constexpr std::size_t kValues = 1'000'000;

std::vector<std::uint64_t> varied_values(const std::string& kind) {
  std::mt19937_64 random(20240607);
  std::uniform_real_distribution<double> unit(0, 1);
  std::lognormal_distribution<double> body(std::log(630), 0.2);  // a hot call's latencies
  std::vector<std::uint64_t> values(kValues);
  for (std::uint64_t& value : values) {
    const double u = unit(random);
    double ns = 630;
    if (kind == "uniform to 2,047 ns") ns = u * 2048;
    if (kind == "uniform to 1 ms") ns = u * 1e6;
    if (kind == "latencies with a tail") ns = u < 0.99 ? body(random) : 2000 / std::pow(unit(random), 1.5);
    if (kind == "all octaves, shuffled") ns = std::exp2(30 * u);
    if (kind == "one in ten beyond the range") ns = u < 0.1 ? 3e9 : u * 2000;
    value = static_cast<std::uint64_t>(std::min(ns, 1e18));
  }
  return values;
}

void record(benchmark::State& state, const std::string& kind) {
  const std::vector<std::uint64_t> values = varied_values(kind);
  const auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (auto _ : state) {
    for (const std::uint64_t value : values) tickmlp_recorder_record(recorder.get(), value);
    benchmark::ClobberMemory();
  }
  state.counters["a_record"] = benchmark::Counter(static_cast<double>(state.iterations()) * kValues,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void percentile(benchmark::State& state) {
  const auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const std::uint64_t value : varied_values("latencies with a tail"))
    tickmlp_recorder_record(recorder.get(), value);
  for (auto _ : state) benchmark::DoNotOptimize(tickmlp_recorder_percentile(recorder.get(), 999, 1000));
}

void read_clock(benchmark::State& state) {
  for (auto _ : state) {
    const std::uint64_t begin = tickmlp_clock_begin();
    benchmark::DoNotOptimize(tickmlp_clock_end() - begin);
  }
}

void convert_ticks(benchmark::State& state) {
  tickmlp_clock clock;
  if (tickmlp_clock_calibrate(&clock, nullptr) != TICKMLP_OK) {
    state.SkipWithError("no clock");
    return;
  }
  std::uint64_t ticks = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ticks);
    benchmark::DoNotOptimize(tickmlp_clock_ns(&clock, ticks));
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const char* kind : {"one value", "uniform to 2,047 ns", "uniform to 1 ms", "latencies with a tail",
                           "all octaves, shuffled", "one in ten beyond the range"})
    benchmark::RegisterBenchmark((std::string("record/") + kind).c_str(), record, kind)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("percentile/p99.9", percentile);
  benchmark::RegisterBenchmark("clock/begin and end", read_clock);
  benchmark::RegisterBenchmark("clock/ticks to ns", convert_ticks);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
