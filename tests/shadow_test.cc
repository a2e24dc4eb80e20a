// SPDX-License-Identifier: Apache-2.0
// The shadow: what it is given, what it counts, what it finds, and that the one who offers never waits.
#include <atomic>
#include <cmath>
#include <thread>

#include "../runtime/session.h"
#include "counting_allocator.h"
#include "shadow_pair.h"

using namespace tickmlp;
using namespace tickmlp::testing;

TEST_CASE("what the comparison finds is what the two models' golden outputs say") {
  for (const char* name : kBundled) {
    CAPTURE(name);
    Pair pair(name, 11);
    const float *inputs, *theirs;
    tickmlp_model_golden(pair.candidate, &inputs, &theirs);
    uint64_t same_argmax = 0;
    double probability = 0, value = 0;
    for (uint32_t v = 0; v < pair.vectors; ++v) {
      REQUIRE(pair.offer(v) == 1);
      bool same = true;
      for (uint32_t h = 0; h < pair.primary->info.heads; ++h) {
        tickmlp_head_info head;
        REQUIRE(tickmlp_model_head(pair.primary, h, &head) == TICKMLP_OK);
        const float *one = pair.output(v) + head.output_begin,
                    *other = theirs + v * pair.primary->info.outputs + head.output_begin;
        for (uint32_t k = 0; k < head.outputs; ++k) {
          double& largest = head.activation == TICKMLP_SOFTMAX ? probability : value;
          largest = std::max(largest, std::fabs(static_cast<double>(one[k]) - static_cast<double>(other[k])));
        }
        if (head.activation == TICKMLP_SOFTMAX)
          same = same && std::max_element(one, one + head.outputs) - one ==
                             std::max_element(other, other + head.outputs) - other;
      }
      same_argmax += same;
    }
    CHECK(tickmlp_shadow_work(pair.shadow, 3) == 3);
    CHECK(tickmlp_shadow_work(pair.shadow, 100) == pair.vectors - 3);
    CHECK(tickmlp_shadow_work(pair.shadow, 100) == 0);
    const tickmlp_shadow_figures figures = pair.figures();
    CHECK(figures.offered == pair.vectors);
    CHECK(figures.compared == pair.vectors);
    CHECK(figures.dropped == 0);
    CHECK(figures.refused == 0);
    CHECK(figures.identical == 0);
    CHECK(figures.same_argmax == same_argmax);
    CHECK(figures.largest_probability_difference == probability);
    CHECK(figures.largest_value_difference == value);
    CHECK(probability > 0);
    CHECK(value > 0);
    CHECK(tickmlp_shadow_recorder(pair.shadow)->count == pair.vectors);
  }
}

TEST_CASE("a shadow of the same weights differs nowhere") {
  Pair pair("tactical-int8", 0);
  for (uint64_t i = 0; i < 100; ++i) REQUIRE(pair.offer(i) == 1);
  CHECK(tickmlp_shadow_work(pair.shadow, 1000) == 100);
  CHECK(pair.figures().identical == 100);
  CHECK(pair.figures().same_argmax == 100);
  CHECK(pair.figures().largest_probability_difference == 0);
}

TEST_CASE("a full ring drops and counts; one question in so many is taken over") {
  Pair pair("strategic-int8", 3, {5, 0, {}});  // rounded up to 8
  for (uint64_t i = 0; i < 30; ++i) CHECK(pair.offer(i) == (i < 8));
  CHECK(pair.figures().offered == 30);
  CHECK(pair.figures().dropped == 22);
  CHECK(tickmlp_shadow_work(pair.shadow, 2) == 2);
  CHECK(pair.offer(0) == 1);
  CHECK(pair.offer(0) == 1);
  CHECK(pair.offer(0) == 0);
  CHECK(tickmlp_shadow_work(pair.shadow, 100) == 8);

  Pair sampled("strategic-int8", 3, {256, 10, {}});
  for (uint64_t i = 1; i <= 100; ++i) CHECK(sampled.offer(i) == (i % 10 == 0));
  CHECK(sampled.figures().offered == 10);
  CHECK(sampled.figures().dropped == 0);
}

TEST_CASE("the input and the output may change as soon as offer has returned; a refused question is counted") {
  Pair pair("strategic-float32", 4);
  std::vector<float> input(pair.input(0), pair.input(0) + 13), output(pair.output(0), pair.output(0) + 10);
  REQUIRE(tickmlp_shadow_offer(pair.shadow, input.data(), output.data()) == 1);
  std::fill(input.begin(), input.end(), NAN);
  std::fill(output.begin(), output.end(), -7.0f);
  REQUIRE(tickmlp_shadow_offer(pair.shadow, input.data(), output.data()) == 1);
  CHECK(tickmlp_shadow_work(pair.shadow, 10) == 2);
  CHECK(pair.figures().compared == 1);
  CHECK(pair.figures().refused == 1);
  CHECK(pair.figures().largest_probability_difference < 1);
}

namespace {

InferFunction real_infer;
Pair* asking;
int taken_over = -1;

// The candidate at work, while the hot thread offers once more.
Outcome infer_and_offer(const Network& network, const float* input, Workspace& workspace, float* output) {
  taken_over = asking->offer(1);
  return real_infer(network, input, workspace, output);
}

}  // namespace

TEST_CASE("the place of a question is free only when it has been compared") {
  Pair pair("strategic-int8", 0, {8, 0, {}});
  asking = &pair;
  auto* session = const_cast<tickmlp_session*>(tickmlp_shadow_session(pair.shadow));
  real_infer = session->infer;
  session->infer = infer_and_offer;
  for (uint64_t i = 0; i < 8; ++i) REQUIRE(pair.offer(0) == 1);
  CHECK(tickmlp_shadow_work(pair.shadow, 1) == 1);
  CHECK(taken_over == 0);
  CHECK(pair.offer(1) == 1);
  session->infer = real_infer;
  CHECK(tickmlp_shadow_work(pair.shadow, 100) == 8);
  CHECK(pair.figures().identical == 9);
}

TEST_CASE("refusals, and every allocation failing once") {
  Pair pair("tactical-int8");
  tickmlp_shadow* shadow = nullptr;
  tickmlp_model* other = load_variant("strategic-int8", 1, 1);
  CHECK(tickmlp_shadow_create(pair.primary, other, nullptr, &shadow, &pair.error) == TICKMLP_OTHER_MODEL);
  CHECK(std::string(pair.error.message).find("13 inputs; expected 420") == 0);
  tickmlp_model_free(other);
  const tickmlp_shadow_options huge = {TICKMLP_SHADOW_CAPACITY + 1, 0, {}};
  CHECK(tickmlp_shadow_create(pair.primary, pair.candidate, &huge, &shadow, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_shadow_create(nullptr, pair.candidate, nullptr, &shadow, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_shadow_create(pair.primary, nullptr, nullptr, &shadow, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_shadow_offer(nullptr, pair.input(0), pair.output(0)) == 0);
  CHECK(tickmlp_shadow_offer(pair.shadow, nullptr, pair.output(0)) == 0);
  CHECK(tickmlp_shadow_work(nullptr, 1) == 0);
  tickmlp_shadow_free(nullptr);

  Counting counting;
  tickmlp_model* candidate = load(variant("tactical-int8", 2, 1), &counting.allocator);
  const int before = counting.held;
  for (int n = 0; n < 2; ++n) {
    counting.calls = 0;
    counting.fail_at = n;
    CHECK(tickmlp_shadow_create(pair.primary, candidate, nullptr, &shadow, nullptr) == TICKMLP_OUT_OF_MEMORY);
    CHECK(counting.held == before);
  }
  counting.fail_at = -1;
  CHECK(tickmlp_shadow_create(pair.primary, candidate, nullptr, &shadow, nullptr) == TICKMLP_OK);
  tickmlp_shadow_free(shadow);
  tickmlp_model_free(candidate);
  CHECK(counting.held == 0);
}

TEST_CASE("two threads: every question that was taken over is compared once, with its own answer") {
  Pair pair("strategic-int8", 0, {16, 0, {}});  // the same weights: any mix-up of questions and answers is a difference
  std::atomic<bool> over{false};
  std::thread worker([&] {
    for (bool last = false;;) {
      last = over.load(std::memory_order_acquire);
      if (tickmlp_shadow_work(pair.shadow, 5) == 0) {
        if (last) return;
        std::this_thread::yield();
      }
    }
  });
  uint64_t taken = 0;
  for (uint64_t i = 0; i < 200'000; ++i) {
    taken += static_cast<uint64_t>(pair.offer(i));
    if (i % 64 == 0) std::this_thread::yield();
  }
  over.store(true, std::memory_order_release);
  worker.join();
  const tickmlp_shadow_figures figures = pair.figures();
  CHECK(figures.offered == 200'000);
  CHECK(figures.compared == taken);
  CHECK(figures.dropped == 200'000 - taken);
  CHECK(figures.identical == taken);
  CHECK(taken > 0);
  MESSAGE(taken << " compared, " << figures.dropped << " dropped");
}
