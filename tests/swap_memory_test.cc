// SPDX-License-Identifier: Apache-2.0
// Models that are loaded, published and freed under running readers, and memory that is refused at every place.
#include <atomic>
#include <cstdlib>
#include <thread>

#include "counting_allocator.h"
#include "swap_models.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "tactical-int8";  // with a window

// Calls `attempt` with the 1st, 2nd, 3rd ... allocation failing, until none of them does; returns how many there are.
// After each failure exactly as much is held as before.
template <class Attempt>
int fail_each(Counting& counting, Attempt attempt) {
  for (int n = 0;; ++n) {
    const int held = counting.held;
    counting.calls = 0;
    counting.fail_at = n;
    const tickmlp_status status = attempt();
    counting.fail_at = -1;
    if (counting.calls <= n) {
      CHECK(status == TICKMLP_OK);
      return n;
    }
    CHECK(status == TICKMLP_OUT_OF_MEMORY);
    CHECK(counting.held == held);
  }
}

}  // namespace

TEST_CASE("every allocation fails once, at each step of a slot's life: a named error, nothing leaked, last good kept") {
  Counting counting;
  tickmlp_error error = {};
  {
    tickmlp_swap* swap = nullptr;
    tickmlp_model* first = load(variant(kName, 1, 1), &counting.allocator);
    CHECK(fail_each(counting, [&] { return tickmlp_swap_create(first, nullptr, &swap, &error); }) == 3);
    tickmlp_reader* readers[2] = {};
    for (tickmlp_reader*& reader : readers)  // the reader, its session, its window
      CHECK(fail_each(counting, [&] { return tickmlp_reader_create(swap, nullptr, "r", &reader, &error); }) == 3);
    const tickmlp_held* held = tickmlp_reader_take(readers[0]);

    tickmlp_model* next = load(variant(kName, 2, 2), &counting.allocator);
    const auto last_good = [&] {
      tickmlp_swap_state state;
      tickmlp_swap_status(swap, &state);
      return state.number == held->number && tickmlp_reader_take(readers[0]) == held && answers_golden(*held);
    };
    int failures = 0;
    const auto publish = [&] {
      const tickmlp_status status = tickmlp_swap_publish(swap, next, nullptr, &error);
      failures += status != TICKMLP_OK;
      if (status != TICKMLP_OK) CHECK(last_good());
      return status;
    };
    CHECK(fail_each(counting, publish) == 5);  // the publication, and for each reader a session and a window
    CHECK(failures == 5);
    held = tickmlp_reader_take(readers[0]);
    CHECK(held->generation == 2);
    CHECK(answers_golden(*held));

    tickmlp_model* calm = load(variant(kName, 3, 3), &counting.allocator);
    tickmlp_preloaded* preloaded = nullptr;
    CHECK(fail_each(counting, [&] { return tickmlp_swap_preload(swap, calm, &preloaded, &error); }) == 5);
    CHECK(last_good());
    CHECK(fail_each(counting, [&] { return tickmlp_swap_select(swap, preloaded, &error); }) == 0);
    // A reader that comes now needs its parts for the current model: it is the preloaded one.
    tickmlp_reader* late = nullptr;
    CHECK(fail_each(counting, [&] { return tickmlp_reader_create(swap, nullptr, "late", &late, &error); }) == 3);
    tickmlp_reader_free(readers[1]);
    tickmlp_swap_free(swap);  // with two readers in it
  }
  CHECK(counting.held == 0);
}

TEST_CASE("what was published is freed: as much is held after fifty models as after the first") {
  Counting counting;
  {
    tickmlp_swap* swap = nullptr;
    tickmlp_reader* reader = nullptr;
    tickmlp_error error = {};
    std::vector<uint8_t> bytes = variant(kName, 1, 1);
    REQUIRE(tickmlp_swap_create(load(bytes, &counting.allocator), nullptr, &swap, &error) == TICKMLP_OK);
    REQUIRE(tickmlp_reader_create(swap, nullptr, "r", &reader, &error) == TICKMLP_OK);
    REQUIRE(tickmlp_reader_take(reader) != nullptr);
    const int held = counting.held;
    for (uint64_t generation = 2; generation <= 51; ++generation) {
      header_of(bytes).generation = generation;
      stamp(bytes);
      REQUIRE(tickmlp_swap_publish(swap, load(bytes, &counting.allocator), nullptr, &error) == TICKMLP_OK);
      CHECK(counting.held == held + 4);  // the reader has not left: model, publication, session, window
      REQUIRE(tickmlp_reader_take(reader)->generation == generation);
      CHECK(tickmlp_swap_collect(swap) == 0);
      CHECK(counting.held == held);
    }
    tickmlp_swap_free(swap);
  }
  CHECK(counting.held == 0);
}

namespace {

// Reads until it is told to stop; `wrong` counts answers that are not those of the model that was held.
void read(tickmlp_swap* swap, const std::atomic<bool>& stop, std::atomic<uint64_t>* wrong,
          std::atomic<uint64_t>* seen) {
  tickmlp_reader* reader = nullptr;
  if (tickmlp_reader_create(swap, nullptr, "reader", &reader, nullptr) != TICKMLP_OK) {
    *wrong += 1;
    return;
  }
  const tickmlp_held* last = nullptr;
  for (uint64_t turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
    const tickmlp_held* held = tickmlp_reader_take(reader);
    *seen += held != last;
    last = held;
    *wrong += !answers_golden(*held);
    if (turn % 50 == 3) {
      tickmlp_reader_release(reader);
      std::this_thread::yield();
    }
  }
  tickmlp_reader_free(reader);
}

uint64_t publish_under_readers(int models) {
  Counting counting;
  std::atomic<uint64_t> wrong{0}, seen{0};
  {
    const std::vector<uint8_t> blobs[3] = {variant("strategic-int8", 1, 1), variant("strategic-int8", 1, 2),
                                           variant("strategic-float32", 1, 3)};
    Slot slot(load(blobs[0], &counting.allocator));
    std::atomic<bool> stop{false};
    std::thread one([&] { read(slot.swap, stop, &wrong, &seen); });
    std::thread two([&] { read(slot.swap, stop, &wrong, &seen); });
    for (int i = 0; i < models; ++i) {
      std::vector<uint8_t> bytes = blobs[i % 3];
      header_of(bytes).generation = static_cast<uint64_t>(i) + 2;
      stamp(bytes);
      // The allocator is called by this thread and, while a reader is made or freed, by that one: under the slot's
      // lock, so models are loaded with malloc.
      tickmlp_model* next = load(bytes);
      while (tickmlp_swap_publish(slot.swap, next, nullptr, &slot.error) != TICKMLP_OK) {
        REQUIRE(slot.error.status == TICKMLP_READER_STALLED);
        std::this_thread::yield();
      }
      CHECK(slot.state().retired <= 4);
    }
    stop = true;
    one.join();
    two.join();
  }
  CHECK(counting.held == 0);
  CHECK(wrong == 0);
  return seen;
}

}  // namespace

TEST_CASE("models loaded, published and freed under two readers") {
  const uint64_t seen = publish_under_readers(300);
  CHECK(seen > 0);
  MESSAGE(seen << " publications seen by two readers");
}

TEST_CASE("twenty thousand models" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  CHECK(publish_under_readers(20'000) > 1000);
}
