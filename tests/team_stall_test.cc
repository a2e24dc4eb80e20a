// SPDX-License-Identifier: Apache-2.0
// Members that are late: held before they read, between two groups, or before they answer. The caller finishes alone,
// every output stays right, and a member that comes back joins again. What holds a member is a layer 1 function of
// the test's own, in place of the kernel's.
#include <thread>

#include "team_model.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

enum Place { kNowhere, kBeforeReading, kHalfWritten, kBeforeAnswering };

// By the first group of the member's share.
std::atomic<int> hold_at[64];
std::atomic<int> held[64];
LanesFunction real_lanes;  // set before a member is given work

void stop_here(uint32_t begin, int place) {
  if (hold_at[begin].load() != place) return;
  held[begin] = 1;
  while (hold_at[begin].load() == place) sched_yield();
  held[begin] = 0;
}

void held_lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards,
                float* hidden) {
  const uint32_t middle = begin + (end - begin) / 2;
  stop_here(begin, kBeforeReading);
  real_lanes(network, codes, begin, middle, backwards, hidden);
  stop_here(begin, kHalfWritten);
  real_lanes(network, codes, middle, end, backwards, hidden);
  stop_here(begin, kBeforeAnswering);
}

// Late at random, for up to about 50 us, in the middle of its work.
std::atomic<uint64_t> calls_of_members;
void dawdling_lanes(const Network& network, const void* codes, uint32_t begin, uint32_t end, bool backwards,
                    float* hidden) {
  const uint64_t call = calls_of_members.fetch_add(1, std::memory_order_relaxed) * 0x9E3779B97F4A7C15;
  const uint32_t middle = begin + (end - begin) / 2;
  real_lanes(network, codes, begin, middle, backwards, hidden);
  if (call >> 54 == 0)  // one call in 1,024
    for (uint64_t i = 0; i < (call >> 40 & 1023); ++i) Spin(0).wait();
  real_lanes(network, codes, middle, end, backwards, hidden);
}

void replace_lanes(Side& side, LanesFunction lanes) {
  real_lanes = side.team->functions->lanes;
  for (uint32_t m = 0; m < side.team->member_count; ++m) side.team->members[m].lanes = lanes;
}

// Lets everybody go when a case ends, also by a failure, or the team could not be freed.
struct Release {
  ~Release() {
    for (auto& hold : hold_at) hold = kNowhere;
  }
};

uint32_t begin_of(const Side& side, uint32_t member) { return side.team->members[member].share.begin; }

// Calls the team, with right outputs, until `done` says so.
template <class Done>
void call_until(Side& side, std::mt19937& random, Done done) {
  for (int i = 0; !done(); ++i) {
    REQUIRE(i < 1'000'000);
    if (i % 100 == 99)
      std::this_thread::sleep_for(
          std::chrono::milliseconds(1));  // a busy box: the member needs a core too; 10 s in all
    const std::vector<float> input = random_input(static_cast<uint32_t>(side.inputs), random, 1.0f);
    REQUIRE(side.gives(input, side.alone(input)));
  }
}

RandomModel make_model(ElementType type) {
  return RandomModel(type, 40, {{100, 3, true, 6.0f}, {40, 1, false, kInfinity}}, 51, best_kernel(type, cpu_tiers()));
}

constexpr uint64_t kShortNs = 50'000;

}  // namespace

TEST_CASE("a member held at any place: the caller finishes alone, later calls are right, the member comes back") {
  std::mt19937 random(52);
  for (ElementType type : kTypes)
    for (int place : {kBeforeReading, kHalfWritten, kBeforeAnswering}) {
      CAPTURE(place);
      const RandomModel model = make_model(type);
      Side side(model.model, 1, kShortNs);
      replace_lanes(side, held_lanes);
      const Release release;
      const uint32_t begin = begin_of(side, 0);
      hold_at[begin] = place;
      call_until(side, random, [&] { return side.counters().late == 1 && held[begin] == 1; });
      const tickmlp_team_counters before = side.counters();
      for (int call = 1; call <= 20; ++call) {  // it is not waited for again
        const std::vector<float> input = random_input(40, random, 1.0f);
        REQUIRE(side.gives(input, side.alone(input)));
        REQUIRE(side.counters().alone == before.alone + static_cast<uint64_t>(call));
      }
      CHECK(side.counters().late == 1);
      CHECK(side.counters().rejoined == 0);
      CHECK(held[begin] == 1);
      hold_at[begin] = kNowhere;
      call_until(side, random, [&] { return side.counters().rejoined >= 1; });
      // It works again: some call is not finished alone, however busy this box is.
      call_until(side, random, [&] { return side.counters().inferences > side.counters().alone + before.inferences; });
    }
}

TEST_CASE("two members held at different calls, and back in either order") {
  std::mt19937 random(53);
  for (uint32_t first : {0u, 1u}) {
    const RandomModel model = make_model(ElementType::kFloat32);
    Side side(model.model, 2, kShortNs);
    replace_lanes(side, held_lanes);
    const Release release;
    const uint32_t one = begin_of(side, first), other = begin_of(side, 1 - first);
    hold_at[one] = kHalfWritten;
    call_until(side, random, [&] { return held[one] == 1 && side.team->members[first].out; });
    hold_at[other] = kBeforeReading;
    call_until(side, random, [&] { return held[other] == 1 && side.team->out_count == 2; });
    const Member &a = side.team->members[0], &b = side.team->members[1];
    CHECK((a.slot_index != b.slot_index || a.expected == b.expected));  // a busy box: both late in one call already
    const uint64_t alone = side.counters().alone;
    for (int call = 0; call < 20; ++call) {
      const std::vector<float> input = random_input(40, random, 1.0f);
      REQUIRE(side.gives(input, side.alone(input)));
    }
    CHECK(side.team->slot_index != a.slot_index);
    CHECK(side.team->slot_index != b.slot_index);
    CHECK(side.counters().alone == alone + 20);
    hold_at[other] = kNowhere;
    call_until(side, random, [&] { return side.team->out_count == 1; });
    hold_at[one] = kNowhere;
    call_until(side, random, [&] { return !side.team->members[first].out; });
    CHECK(side.counters().rejoined >= 2);
  }
}

TEST_CASE("free waits for a member that is held, and then ends") {
  for (int place : {kBeforeReading, kHalfWritten}) {
    const RandomModel model = make_model(ElementType::kInt8);
    Side side(model.model, 1, kShortNs);
    replace_lanes(side, held_lanes);
    const Release release;
    const uint32_t begin = begin_of(side, 0);
    hold_at[begin] = place;
    std::mt19937 random(54);
    call_until(side, random, [&] { return held[begin] == 1; });
    std::atomic<bool> freed{false};
    std::thread thread([&, team = side.team] {
      tickmlp_team_free(team);
      freed = true;
    });
    side.team = nullptr;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(!freed);
    hold_at[begin] = kNowhere;
    thread.join();
    CHECK(freed);
  }
}

#if defined(__has_feature)
#define TICKMLP_SANITIZED (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define TICKMLP_SANITIZED 0
#endif

// Members on cores of their own and nobody yields, where this box has two cores. In a thread that it may pin.
void call_a_million_times() {
  constexpr int kCalls = TICKMLP_SANITIZED ? 50'000 : 1'000'000;
  const std::vector<int> cores = some_cores(3);
  const bool one_core = cores[1] == cores[0];
  const size_t members = one_core || cores[2] == cores[0] ? 1 : 2;
  if (!one_core) REQUIRE(tickmlp_pin_thread(cores[members], nullptr) == TICKMLP_OK);
  std::mt19937 random(55);
  const RandomModel model = make_model(ElementType::kInt8);
  Side side(model.model, {cores.data(), members, 3'000, one_core ? kYieldAfter : 0, {}});
  replace_lanes(side, dawdling_lanes);
  std::vector<std::vector<float>> inputs, expected;
  for (int i = 0; i < 64; ++i) {
    inputs.push_back(random_input(40, random, 1.2f));
    expected.push_back(side.alone(inputs.back()));
  }
  std::vector<float> input(40);  // one buffer, spoilt as soon as a call returns
  int wrong = 0;
  for (int call = 0; call < kCalls; ++call) {
    input = inputs[static_cast<size_t>(call) % 64];
    wrong += !side.gives(input, expected[static_cast<size_t>(call) % 64]);
    std::fill(input.begin(), input.end(), NAN);
  }
  CHECK(wrong == 0);
  const tickmlp_team_counters counters = side.counters();
  MESSAGE(counters.inferences << " calls, " << counters.alone << " alone, " << counters.late << " late, "
                              << counters.rejoined << " back");
  CHECK(counters.inferences == static_cast<uint64_t>(kCalls));
  CHECK(counters.late >= 1);  // hundreds, but on a busy box a member may stay out for most of the run
  CHECK(counters.late - counters.rejoined <= members);
}

TEST_CASE("a million calls, members late at random: every output is right") {
  std::thread(call_a_million_times).join();
}
