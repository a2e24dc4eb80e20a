// SPDX-License-Identifier: Apache-2.0
// The protocol of runtime/swap/protocol.h, the text that the library is built from, under Relacy: it runs publisher and
// readers in simulated threads, in millions of interleavings, lets every load return any value that the C++ memory
// model allows, and sees a data race where a publication is overwritten or freed while a reader may still look at it.
// Then each memory order is weakened in turn, and Relacy has to find what goes wrong: an order that could be weakened
// unnoticed would not be needed, or not be tested.
#include <doctest/doctest.h>

#include <cstdint>
#include <ostream>
#include <streambuf>
#include <string>

#include "../../runtime/swap/protocol.h"
#include "relacy/relacy.hpp"

namespace {

using namespace tickmlp::swap;

// The orders of one word. Each weakened kind differs in one.
struct Strong {
  static constexpr rl::memory_order kLoadAcquire = rl::mo_acquire, kLoadOrdered = rl::mo_seq_cst;
  static constexpr rl::memory_order kStoreRelease = rl::mo_release, kStoreOrdered = rl::mo_seq_cst;
};
struct RelaxedLoad : Strong {
  static constexpr rl::memory_order kLoadAcquire = rl::mo_relaxed;
};
struct RelaxedStore : Strong {
  static constexpr rl::memory_order kStoreRelease = rl::mo_relaxed;
};
struct AcquireForOrderedLoad : Strong {
  static constexpr rl::memory_order kLoadOrdered = rl::mo_acquire;
};
struct RelaxedForOrderedLoad : Strong {
  static constexpr rl::memory_order kLoadOrdered = rl::mo_relaxed;
};
struct ReleaseForOrderedStore : Strong {
  static constexpr rl::memory_order kStoreOrdered = rl::mo_release;
};
struct RelaxedForOrderedStore : Strong {
  static constexpr rl::memory_order kStoreOrdered = rl::mo_relaxed;
};

template <class Orders>
struct ModelWord {
  rl::atomic<uint64_t> value;
  uint64_t load_acquire() const { return value(RL_INFO).load(Orders::kLoadAcquire); }
  uint64_t load_ordered() const { return value(RL_INFO).load(Orders::kLoadOrdered); }
  void store_release(uint64_t number) { value(RL_INFO).store(number, Orders::kStoreRelease); }
  void store_ordered(uint64_t number) { value(RL_INFO).store(number, Orders::kStoreOrdered); }
};

constexpr uint64_t kPlaces = 2;  // the current publication and one retired: places are used again at once

// Thread 0 publishes 2 .. kLast where there is room; the others read.
template <class CurrentOrders, class AnnouncedOrders, unsigned kReaders, uint64_t kLast, bool kBoundFirst>
struct Slot : rl::test_suite<Slot<CurrentOrders, AnnouncedOrders, kReaders, kLast, kBoundFirst>, kReaders + 1> {
  ModelWord<CurrentOrders> current;
  ModelWord<AnnouncedOrders> announced[kReaders];
  rl::var<uint64_t> content[kPlaces];  // the number of the publication that stands here; 0: freed

  void before() {
    current.store_ordered(1);
    for (auto& word : announced) word.store_ordered(kIdle);
    content[1 % kPlaces](RL_INFO) = 1;
  }
  void thread(unsigned index) { index == 0 ? publisher() : reader(announced[index - 1]); }

  void publisher() {
    uint64_t newest = 1, oldest = 1;
    for (unsigned attempt = 0; attempt < kLast; ++attempt) {
      uint64_t lowest = newest;
      for (auto& word : announced) lowest = std::min(lowest, lowest_held(word));
      for (; oldest < lowest; ++oldest) content[oldest % kPlaces](RL_INFO) = 0;
      if (newest - oldest + 1 == kPlaces || newest == kLast) continue;  // refused: a reader has not left yet
      newest += 1;
      content[newest % kPlaces](RL_INFO) = newest;
      publish(current, newest);
    }
  }

  void reader(ModelWord<AnnouncedOrders>& word) {
    uint64_t held = 0, last = 0;
    for (const bool release_after : {false, true, false}) {
      held = held != 0 ? take(current, word, held) : come_back(word, last);
      RL_ASSERT(held >= last);
      last = held;
      RL_ASSERT(content[held % kPlaces](RL_INFO) == held);  // twice: what it holds stays
      RL_ASSERT(content[held % kPlaces](RL_INFO) == held);
      if (!release_after) continue;
      release(word);
      held = 0;
    }
  }

  // Without the bound first a reader that comes back is one that has never been away: the mistake to make here.
  uint64_t come_back(ModelWord<AnnouncedOrders>& word, uint64_t last) {
    return kBoundFirst ? take_from_idle(current, word, last) : take(current, word, 0);
  }
};

// Relacy's report, thrown away. Not a string stream: that frees by Relacy's operator delete what it did not give.
struct Silence : std::streambuf {
  int overflow(int character) override { return character; }
};

struct Outcome {
  bool sound;
  uint64_t runs;
  std::string what;  // "DATA RACE" where a publication is freed under a reader
};

template <class Test>
Outcome explore(uint64_t runs, rl::scheduler_type_e search) {
  Silence silence;
  std::ostream stream(&silence);
  rl::test_params parameters;
  parameters.iteration_count = runs;
  parameters.search_type = search;
  parameters.context_bound = 4;
  parameters.output_stream = parameters.progress_stream = &stream;
  const bool sound = rl::simulate<Test>(parameters);
  return {sound, parameters.stop_iteration, std::string(rl::test_result_str(parameters.test_result))};
}

template <class Current, class Announced, bool kBoundFirst = true>
void expect_found(const std::string& what) {
  CAPTURE(what);
  const Outcome outcome = explore<Slot<Current, Announced, 1, 4, kBoundFirst>>(2'000'000, rl::random_scheduler_type);
  CHECK_FALSE(outcome.sound);
  CHECK((outcome.what == "DATA RACE" || outcome.what == "USER ASSERT FAILED"));
  MESSAGE(what << ": " << outcome.what << " in run " << outcome.runs);
}

}  // namespace

TEST_CASE("one reader: every interleaving of four switches at most") {
  const Outcome outcome = explore<Slot<Strong, Strong, 1, 4, true>>(0, rl::fair_context_bound_scheduler_type);
  CHECK(outcome.sound);
  MESSAGE(outcome.runs << " runs");
}

TEST_CASE("one reader and two: random interleavings") {
  const uint64_t runs = std::getenv("TICKMLP_SLOW") == nullptr ? 1'000'000 : 30'000'000;
  CHECK(explore<Slot<Strong, Strong, 1, 5, true>>(runs, rl::random_scheduler_type).sound);
  CHECK(explore<Slot<Strong, Strong, 2, 4, true>>(runs, rl::random_scheduler_type).sound);
}

TEST_CASE("every order that is weakened is found out") {
  expect_found<RelaxedLoad, Strong>("take() loads relaxed");
  expect_found<Strong, RelaxedStore>("announcements and releases stored relaxed");
  expect_found<RelaxedForOrderedStore, Strong>("publish() stores relaxed");
  expect_found<Strong, RelaxedForOrderedLoad>("the publisher loads announcements relaxed");
}

TEST_CASE("acquire and release are not enough for a reader that comes back") {
  expect_found<ReleaseForOrderedStore, Strong>("publish() stores release");
  expect_found<AcquireForOrderedLoad, Strong>("take_from_idle() loads acquire");
  expect_found<Strong, ReleaseForOrderedStore>("take_from_idle() stores its bound release");
  expect_found<Strong, AcquireForOrderedLoad>("the publisher loads announcements acquire");
  expect_found<Strong, Strong, false>("no bound at all");
}
