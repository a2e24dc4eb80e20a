// SPDX-License-Identifier: Apache-2.0
// Drift limits, each from both sides, against the figures that this test works out by itself.
#include <cmath>

#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

std::vector<std::vector<float>> answers(const tickmlp_model* model, const std::vector<const float*>& states) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  tickmlp_session* session = nullptr;
  REQUIRE(tickmlp_session_create(model, nullptr, &session, nullptr) == TICKMLP_OK);
  std::vector<std::vector<float>> out(states.size(), std::vector<float>(info.outputs));
  for (size_t i = 0; i < states.size(); ++i)
    REQUIRE(tickmlp_infer(session, states[i], info.inputs, out[i].data(), info.outputs) == TICKMLP_OK);
  tickmlp_session_free(session);
  return out;
}

size_t argmax(const float* from, size_t count) {
  return static_cast<size_t>(std::max_element(from, from + count) - from);
}

// Straight from the definition.
tickmlp_drift expected_drift(const std::vector<uint8_t>& running, const std::vector<uint8_t>& next) {
  tickmlp_model* models[] = {load(running), load(next)};
  const tickmlp_model_info& info = *tickmlp_model_describe(models[0]);
  std::vector<const float*> states;
  for (const tickmlp_model* model : models) {
    const float *inputs, *outputs;
    const uint32_t count = tickmlp_model_golden(model, &inputs, &outputs);
    for (uint32_t i = 0; i < count; ++i) states.push_back(inputs + i * info.inputs);
  }
  const auto then = answers(models[0], states), now = answers(models[1], states);
  tickmlp_drift drift = {static_cast<uint32_t>(states.size()), 0, 0, 1};
  for (uint32_t h = 0; h < info.heads; ++h) {
    tickmlp_head_info head;
    tickmlp_model_head(models[0], h, &head);
    double difference = 0, magnitude = 0, agreed = 0;
    for (size_t i = 0; i < states.size(); ++i) {
      const float *a = then[i].data() + head.output_begin, *b = now[i].data() + head.output_begin;
      agreed += argmax(a, head.outputs) == argmax(b, head.outputs);
      for (uint32_t k = 0; k < head.outputs; ++k) {
        difference = std::max(difference, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
        magnitude = std::max({magnitude, std::abs(static_cast<double>(a[k])), std::abs(static_cast<double>(b[k]))});
      }
    }
    if (head.activation == TICKMLP_SOFTMAX) {
      drift.probability = std::max(drift.probability, difference);
      drift.argmax = std::min(drift.argmax, agreed / static_cast<double>(states.size()));
    } else {
      drift.value = std::max(drift.value, difference / magnitude);
    }
  }
  for (tickmlp_model* model : models) tickmlp_model_free(model);
  return drift;
}

// One look at generation 2 under these limits.
tickmlp_status look_with(const std::vector<uint8_t>& running, const std::vector<uint8_t>& next,
                         const tickmlp_drift_limits& limits, tickmlp_watch_report* report) {
  PublishedFolder folder;
  folder.publish(next);
  tickmlp_watch_options options = {};
  options.drift = limits;
  Watched watched(folder, load(running), options);
  const tickmlp_status status = watched.look();
  *report = watched.report;
  CHECK(watched.generation() == (status == TICKMLP_OK ? 2 : 1));
  return status;
}

}  // namespace

TEST_CASE("each limit refuses what is over it, and takes what is on it") {
  for (const char* name : {"tactical-int8", "tactical-float32", "strategic-int8"}) {
    CAPTURE(name);
    const std::vector<uint8_t> running = variant(name, 1, 0), next = variant(name, 2, 24);
    const tickmlp_drift seen = expected_drift(running, next);
    REQUIRE(seen.probability > 0.001);
    REQUIRE(seen.value > 0.001);
    REQUIRE(seen.argmax < 1);
    tickmlp_watch_report report;
    CHECK(look_with(running, next, {}, &report) == TICKMLP_OK);
    CHECK(report.drift.states == 16);
    CHECK(report.drift.probability == seen.probability);
    CHECK(report.drift.value == seen.value);
    CHECK(report.drift.argmax == seen.argmax);
    CHECK(look_with(running, next, {-1, -1, -1}, &report) == TICKMLP_OK);
    CHECK(look_with(running, next, {seen.probability, seen.value, seen.argmax}, &report) == TICKMLP_OK);
    const double low = 1 - 1e-12, high = 1 + 1e-12;
    const std::pair<tickmlp_drift_limits, const char*> over[] = {
        {{seen.probability * low, seen.value, seen.argmax}, "the largest difference of a probability"},
        {{seen.probability, seen.value * low, seen.argmax}, "the largest relative difference of a value"},
        {{seen.probability, seen.value, seen.argmax * high + 1e-300}, "the argmax agreement"}};
    for (const auto& [limits, words] : over) {
      if (limits.argmax == 0) continue;
      CHECK(look_with(running, next, limits, &report) == TICKMLP_DRIFT);
      INFO(report.error.message);
      CHECK(std::string(report.error.message).find(words) != std::string::npos);
      CHECK(report.drift.probability == seen.probability);
    }
  }
}

TEST_CASE("the same answers do not drift, whatever the generation") {
  tickmlp_watch_report report;
  CHECK(look_with(variant("tactical-int8", 1, 3), variant("tactical-int8", 2, 3), {1e-300, 1e-300, 1}, &report) ==
        TICKMLP_OK);
  CHECK(report.drift.probability == 0);
  CHECK(report.drift.value == 0);
  CHECK(report.drift.argmax == 1);
}
