// SPDX-License-Identifier: Apache-2.0
// Other systems timed beside ours: what they do is in their own figures and in none of ours.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "evidence/summary.h"
#include "measure/measure.h"

using namespace tickmlp::bench;

namespace {

constexpr std::uint64_t kSamples = 2000;

// Quick to measure: one scenario, one run.
Plan small_plan() {
  Plan plan = suite_plan("quick", 1).front();
  plan.runs = 1;
  plan.epochs = 2;
  plan.samples = kSamples;
  plan.warm_up = 10;
  plan.scenarios.resize(1);
  return plan;
}

Measurement measure_beside(const Comparator& other) {
  const auto load = [] { return load_model(std::string(TICKMLP_SOURCE_ROOT) + "/weights/tactical-int8.blob", ""); };
  const Model model = load();
  const float *inputs = nullptr, *outputs = nullptr;
  const std::uint64_t count = tickmlp_model_golden(model.get(), &inputs, &outputs);
  tickmlp_clock clock;
  REQUIRE_EQ(tickmlp_clock_calibrate(&clock, nullptr), TICKMLP_OK);
  const Source source{load,  [] {},
                      false, inputs,
                      count, choose_memory_floor().read,
                      clock, 0,
                      {0},   [&] { return std::vector<Comparator>{other}; }};
  Measurement measurement;
  measure(
      source, small_plan(), [](double) {}, &measurement);
  REQUIRE(measurement.complete);
  return measurement;
}

// Each call touches a page that this process has never seen: one page fault.
void fault(const float*, float*) {
  constexpr std::size_t kPage = 4096;
  void* const page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE_NE(page, MAP_FAILED);
  *static_cast<volatile char*>(page) = 1;
  munmap(page, kPage);
}

}  // namespace

TEST_CASE("page faults of another system are its own") {
  const Measurement measurement = measure_beside({"other-faulty-float32", fault});
  REQUIRE_EQ(measurement.others.size(), 1);
  CHECK_GE(measurement.others[0].page_faults, measurement.others[0].samples);
  CHECK_EQ(measurement.others[0].samples, kSamples);
  // Ours: none but what the box does to us (a sanitizer: hundreds). Counted as ours, theirs would make kSamples.
  CHECK_LT(measurement.page_faults, kSamples);
  CHECK_EQ(measurement.scenarios.size(), 1);
  CHECK_LE(measurement.scenarios[0].page_faults, measurement.page_faults);
}

TEST_CASE("a system that throws is left out, and ours is measured to the end") {
  std::uint64_t calls = 0;
  const auto thrower = [&](const float*, float*) {
    if (++calls > kSamples / 2) throw std::runtime_error("out of arenas");
  };
  const Measurement measurement = measure_beside({"other-thrower-float32", thrower});
  REQUIRE_EQ(measurement.others.size(), 1);
  CHECK_NE(measurement.others[0].failure.find("out of arenas"), std::string::npos);
  CHECK_FALSE(measurement.evidence.contains("other-thrower-float32"));
  CHECK_EQ(summarise(measurement.evidence.at("full-hot")).all.count, kSamples);
}
