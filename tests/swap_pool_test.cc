// SPDX-License-Identifier: Apache-2.0
// A slot with models that are kept ready, counters over all of them, and arguments that are refused.
#include "monitored.h"
#include "swap_models.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";

}  // namespace

TEST_CASE("preloaded models: switched forth and back, with readers from before and after; unloaded when nobody holds") {
  Slot slot(load_variant(kName, 1, 1));
  tickmlp_reader* before = slot.reader();
  tickmlp_preloaded *calm = nullptr, *wild = nullptr;
  REQUIRE(tickmlp_swap_preload(slot.swap, load_variant(kName, 8, 3), &calm, &slot.error) == TICKMLP_OK);
  REQUIRE(tickmlp_swap_preload(slot.swap, load_variant(kName, 5, 4), &wild, &slot.error) == TICKMLP_OK);
  tickmlp_model* other = load_variant("tactical-int8", 9, 1);
  tickmlp_preloaded* none = nullptr;
  CHECK(tickmlp_swap_preload(slot.swap, other, &none, &slot.error) == TICKMLP_OTHER_MODEL);
  tickmlp_model_free(other);
  CHECK(tickmlp_reader_take(before)->generation == 1);
  tickmlp_reader* after = slot.reader();
  for (uint64_t round = 0; round < 10; ++round) {
    tickmlp_preloaded* one = round % 2 == 0 ? calm : wild;
    REQUIRE(tickmlp_swap_select(slot.swap, one, &slot.error) == TICKMLP_OK);
    for (tickmlp_reader* reader : {before, after}) {
      const tickmlp_held* held = tickmlp_reader_take(reader);
      CHECK(held->generation == (round % 2 == 0 ? 8 : 5));
      CHECK(held->number == round + 2);
      CHECK(answers_golden(*held));
    }
  }
  tickmlp_swap_unload(slot.swap, wild);  // current: stays until something else is published
  CHECK(answers_golden(*tickmlp_reader_take(before)));
  REQUIRE(slot.publish(load_variant(kName, 6, 9)) == TICKMLP_OK);
  CHECK(answers_golden(*tickmlp_reader_take(before)));
  CHECK(answers_golden(*tickmlp_reader_take(after)));
  tickmlp_swap_unload(slot.swap, calm);
}

TEST_CASE("a reader's counters go on over models, also those that are gone, and into the monitor") {
  Slot slot(load_variant("tactical-int8", 1, 1));
  tickmlp_reader* reader = slot.reader();
  tickmlp_counters counters;
  for (uint64_t generation = 2; generation <= 8; ++generation) {
    const tickmlp_held* held = tickmlp_reader_take(reader);
    REQUIRE(answers_golden(*held));  // eight inferences
    const float *inputs, *outputs;
    tickmlp_model_golden(held->model, &inputs, &outputs);
    std::vector<float> output(10);
    REQUIRE(tickmlp_window_reset(held->window, inputs, 420) == TICKMLP_OK);
    REQUIRE(tickmlp_window_tick(held->window, inputs + 413, 7, output.data(), 10) == TICKMLP_OK);
    REQUIRE(slot.publish(load_variant("tactical-int8", generation, 1)) == TICKMLP_OK);
    tickmlp_reader_counters(reader, &counters);
    CHECK(counters.inferences == 9 * (generation - 1));
  }
  Monitored m;
  m.source.session = nullptr;
  m.source.reader = reader;
  CHECK_EQ(value(m.text(), "tickmlp_inferences_total"), std::to_string(counters.inferences));
  tickmlp_reader_counters(nullptr, &counters);
}

TEST_CASE("wrong arguments") {
  Slot slot(load_variant(kName, 1, 1));
  tickmlp_swap* swap = nullptr;
  tickmlp_reader* reader = nullptr;
  tickmlp_reader_info info;
  const tickmlp_swap_options huge = {TICKMLP_SWAP_RETIRED + 1, 0};
  const tickmlp_session_options odd = {static_cast<tickmlp_non_finite>(3), 0};
  const tickmlp_swap_state state = slot.state();
  auto* model = const_cast<tickmlp_model*>(state.model);
  CHECK(tickmlp_swap_create(nullptr, nullptr, &swap, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_create(model, nullptr, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_create(model, &huge, &swap, &slot.error) == TICKMLP_BAD_ARGUMENT);
  CHECK(says(slot.error, "retired_limit is 1048576; expected 1048575 at most"));
  CHECK(tickmlp_swap_publish(slot.swap, nullptr, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_publish(nullptr, model, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_preload(slot.swap, nullptr, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_select(slot.swap, nullptr, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_reader_create(nullptr, nullptr, nullptr, &reader, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_reader_create(slot.swap, &odd, nullptr, &reader, &slot.error) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_swap_reader(slot.swap, 0, &info) == TICKMLP_BAD_ARGUMENT);  // there is none
  CHECK(tickmlp_swap_reader(slot.swap, 0, nullptr) == TICKMLP_BAD_ARGUMENT);
  CHECK(tickmlp_reader_take(nullptr) == nullptr);
  tickmlp_reader_release(nullptr);
  tickmlp_reader_free(nullptr);
  tickmlp_swap_free(nullptr);
  tickmlp_swap_unload(slot.swap, nullptr);
  CHECK(tickmlp_swap_collect(nullptr) == 0);
}
