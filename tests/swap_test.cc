// SPDX-License-Identifier: Apache-2.0
// A slot, its publisher and its readers, one step at a time: what each is told, and what lives how long.
#include <thread>

#include "swap_models.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";

bool says(const tickmlp_error& error, const std::string& words) {
  INFO(error.message);
  return std::string(error.message).find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a reader takes the first model, keeps it, and takes the next one when it asks") {
  for (const char* name : kBundled) {
    CAPTURE(name);
    Slot slot(load_variant(name, 1, 1));
    tickmlp_reader* reader = slot.reader();
    const tickmlp_held* first = tickmlp_reader_take(reader);
    REQUIRE(first != nullptr);
    CHECK(first->generation == 1);
    CHECK(first->number == 1);
    CHECK(first->session != nullptr);
    CHECK((first->window != nullptr) == (tickmlp_model_describe(first->model)->window_rows != 0));
    CHECK(answers_golden(*first));
    CHECK(tickmlp_reader_take(reader) == first);

    REQUIRE(slot.publish(load_variant(name, 2, 2)) == TICKMLP_OK);
    CHECK(slot.state().retired == 1);
    CHECK(answers_golden(*first));  // still its own, whatever was published
    const tickmlp_held* second = tickmlp_reader_take(reader);
    CHECK(second != first);
    CHECK(second->generation == 2);
    CHECK(second->number == 2);
    CHECK(first->generation == 1);  // the old struct stays readable for one take more
    CHECK(answers_golden(*second));
    CHECK(tickmlp_swap_collect(slot.swap) == 0);
    CHECK(tickmlp_reader_take(reader) == second);
    tickmlp_reader_free(reader);
  }
}

TEST_CASE("what is refused: other models, old generations, and then the last good one goes on") {
  Slot slot(load_variant(kName, 7, 1));
  tickmlp_reader* reader = slot.reader();
  const tickmlp_held* held = tickmlp_reader_take(reader);
  CHECK(slot.publish(load_variant("tactical-int8", 8, 1)) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "model tactical; expected strategic"));
  for (uint64_t generation : {6, 7}) {
    CHECK(slot.publish(load_variant(kName, generation, 2)) == TICKMLP_OLD_GENERATION);
    CHECK(says(slot.error, "generation " + std::to_string(generation) + " of strategic while 7 is running"));
  }
  CHECK(tickmlp_reader_take(reader) == held);
  CHECK(slot.state().refused == 3);
  CHECK(slot.state().number == 1);
  CHECK(slot.publish(load_variant(kName, 6, 2), true) == TICKMLP_OK);  // a rollback is meant
  CHECK(tickmlp_reader_take(reader)->generation == 6);
  CHECK(slot.publish(load_variant(kName, 7, 3)) == TICKMLP_OK);  // and from there on they rise again
  CHECK(answers_golden(*tickmlp_reader_take(reader)));
}
