// SPDX-License-Identifier: Apache-2.0
// A slot, its publisher and its readers, one step at a time: what each is told, and what lives how long.
#include <chrono>
#include <thread>

#include "swap_models.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";

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

TEST_CASE("each way of being another model has its sentence") {
  Slot slot(load_variant(kName, 1, 1));
  const auto refused = [&](auto change) {
    tickmlp_model* next = load_variant(kName, 2, 1);
    change(*next);
    return slot.publish(next);
  };
  CHECK(refused([](tickmlp_model& m) { m.info.inputs = 12; }) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "12 inputs; expected 13"));
  CHECK(refused([](tickmlp_model& m) { m.info.outputs = 3; }) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "3 outputs; expected 10"));
  CHECK(refused([](tickmlp_model& m) { m.info.heads = 1; }) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "1 heads; expected 4"));
  CHECK(refused([](tickmlp_model& m) { m.info.window_rows = 2; }) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "2 window rows; expected"));
  CHECK(refused([](tickmlp_model& m) { m.info.feature_count += 1; }) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "features; expected"));
  // Names lie in the sealed bytes: blobs that differ in them.
  std::vector<uint8_t> bytes = variant(kName, 2, 1);
  head_of(bytes, 1).name[0] = 'X';
  stamp(bytes);
  CHECK(slot.publish(load(bytes)) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "head 1 is X"));
  bytes = variant(kName, 2, 1);
  bytes[plan_of(bytes).names.begin] = 'X';
  stamp(bytes);
  CHECK(slot.publish(load(bytes)) == TICKMLP_OTHER_MODEL);
  CHECK(says(slot.error, "feature 0 is \"X"));
  CHECK(slot.state().generation == 1);
  CHECK(slot.publish(load_variant("strategic-float32", 2, 1)) == TICKMLP_OK);  // the element type may change
}

TEST_CASE("a reader that stays bounds the memory: publish refuses and names it, and goes on when it has left") {
  Slot slot(load_variant(kName, 1, 1), {3, 1'000'000});
  tickmlp_reader *slow = slot.reader("slow desk"), *fast = slot.reader("fast desk");
  const tickmlp_held* old = tickmlp_reader_take(slow);
  for (uint64_t generation = 2; generation <= 4; ++generation) {
    REQUIRE(slot.publish(load_variant(kName, generation, 3)) == TICKMLP_OK);
    CHECK(tickmlp_reader_take(fast)->generation == generation);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  CHECK(slot.publish(load_variant(kName, 5, 1)) == TICKMLP_READER_STALLED);
  CHECK(says(slot.error, "3 retired publications wait, of at most 3: reader slow desk"));
  CHECK(says(slot.error, "has not left publication 1, generation 1, for "));
  CHECK(slot.state().retired == 3);
  CHECK(slot.state().stalled == 1);
  CHECK(slot.state().generation == 4);
  const tickmlp_reader_info info = slot.info(0);
  CHECK(std::string(info.name) == "slow desk");
  CHECK(info.alive == 1);
  CHECK(info.stalled == 1);
  CHECK(info.number == 1);
  CHECK(info.generation == 1);
  CHECK(info.behind_ns >= 3'000'000);
  CHECK(info.takes == 1);
  CHECK(slot.info(1).stalled == 0);
  CHECK(slot.info(1).behind_ns == 0);
  CHECK(answers_golden(*old));  // what it holds is whole
  CHECK(answers_golden(*tickmlp_reader_take(slow)));
  CHECK(tickmlp_swap_collect(slot.swap) == 0);
  CHECK(slot.publish(load_variant(kName, 5, 1)) == TICKMLP_OK);
}

TEST_CASE("a reader that has released holds nothing, and comes back to what is current then") {
  Slot slot(load_variant(kName, 1, 1));
  tickmlp_reader* reader = slot.reader();
  const tickmlp_held* first = tickmlp_reader_take(reader);
  tickmlp_reader_release(reader);
  CHECK(slot.info(0).number == 0);
  CHECK(tickmlp_reader_take(reader) == first);  // nothing was published: the same again
  CHECK(slot.info(0).number == 1);
  tickmlp_reader_release(reader);
  for (uint64_t generation = 2; generation <= 20; ++generation)  // nobody is waited for
    REQUIRE(slot.publish(load_variant(kName, generation, 3)) == TICKMLP_OK);
  CHECK(slot.state().retired == 0);
  const tickmlp_held* last = tickmlp_reader_take(reader);
  CHECK(last != first);
  CHECK(last->generation == 20);
  CHECK(answers_golden(*last));
}

TEST_CASE("readers that come and go between publications") {
  Slot slot(load_variant("tactical-int8", 1, 1));
  for (uint64_t generation = 2; generation <= 12; ++generation) {
    tickmlp_reader *one = slot.reader("one"), *two = slot.reader("two");
    CHECK(tickmlp_reader_take(one)->generation == generation - 1);
    REQUIRE(slot.publish(load_variant("tactical-int8", generation, 5)) == TICKMLP_OK);
    CHECK(answers_golden(*tickmlp_reader_take(two)));
    CHECK(answers_golden(*tickmlp_reader_take(one)));
    tickmlp_reader_free(generation % 2 == 0 ? one : two);
    CHECK(slot.state().readers == 1);
    CHECK(answers_golden(*tickmlp_reader_take(generation % 2 == 0 ? two : one)));
    tickmlp_reader_free(generation % 2 == 0 ? two : one);
  }
  std::vector<tickmlp_reader*> readers;
  for (int i = 0; i < TICKMLP_SWAP_READERS; ++i) readers.push_back(slot.reader());
  tickmlp_reader* more = nullptr;
  CHECK(tickmlp_reader_create(slot.swap, nullptr, nullptr, &more, &slot.error) == TICKMLP_READER_LIMIT);
  CHECK(says(slot.error, "64 readers exist"));
  CHECK(more == nullptr);
}

TEST_CASE("a reader thread that dies: reported, its hold given up, its place free again") {
  Slot slot(load_variant(kName, 1, 1), {2, 0});
  tickmlp_reader* reader = nullptr;
  std::thread([&] {
    reader = slot.reader("gone");
    REQUIRE(answers_golden(*tickmlp_reader_take(reader)));
  }).join();
  for (uint64_t generation = 2; generation <= 10; ++generation)
    REQUIRE_MESSAGE(slot.publish(load_variant(kName, generation, 2)) == TICKMLP_OK, std::string(slot.error.message));
  CHECK(slot.state().dead == 1);
  CHECK(slot.state().stalled == 0);
  CHECK(slot.state().retired == 0);
  CHECK(slot.info(0).alive == 0);
  CHECK(slot.info(0).number == 0);
  CHECK(std::string(slot.info(0).name) == "gone");
  tickmlp_reader_free(reader);
  CHECK(slot.state().readers == 0);
}
