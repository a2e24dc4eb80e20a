// SPDX-License-Identifier: Apache-2.0
// Swaps under running readers, far faster than they read: every output is compared with the golden outputs of the
// generation that it claims, so an answer of two models, of a model that was freed or of the wrong one is seen.
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "swap_models.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

#if defined(__has_feature)
#define TICKMLP_SANITIZED (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define TICKMLP_SANITIZED 0
#endif

constexpr uint64_t kModels = 16;

// Model i of the pool has generation i + 1 and stands behind publications i + 1, i + 17, i + 33 ...
uint64_t generation_of(uint64_t number) { return (number - 1) % kModels + 1; }

struct Golden {
  std::vector<float> inputs[kModels], outputs[kModels];
  uint32_t count = 0, each_in = 0, each_out = 0, columns = 0;
  void add(const tickmlp_model* model, uint64_t i) {
    const float *in, *out;
    count = tickmlp_model_golden(model, &in, &out);
    const tickmlp_model_info& info = *tickmlp_model_describe(model);
    each_in = info.inputs;
    each_out = info.outputs;
    columns = info.window_columns;
    inputs[i].assign(in, in + count * each_in);
    outputs[i].assign(out, out + count * each_out);
  }
};

// Counted by each reader, read once it has ended.
struct Seen {
  uint64_t inferences = 0, publications = 0, releases = 0, wrong = 0, per_model[kModels] = {};
};

// One answer, on the full path or, with a window, by a tick; true where the bits are those of the claimed generation.
bool answer(const tickmlp_held& held, const Golden& golden, uint64_t turn, float* output) {
  const uint64_t i = held.generation - 1, vector = turn % golden.count;
  const float* input = golden.inputs[i].data() + vector * golden.each_in;
  const size_t older = golden.each_in - golden.columns;
  tickmlp_status status = TICKMLP_OK;
  if (held.window != nullptr && turn % 2 == 0) {
    status = tickmlp_window_reset(held.window, input, golden.each_in);
    if (status == TICKMLP_OK)
      status = tickmlp_window_tick(held.window, input + older, golden.columns, output, golden.each_out);
  } else {
    status = tickmlp_infer(held.session, input, golden.each_in, output, golden.each_out);
  }
  return status == TICKMLP_OK &&
         std::memcmp(output, golden.outputs[i].data() + vector * golden.each_out, golden.each_out * sizeof(float)) == 0;
}

// Takes, answers, now and then stays with what it holds, sleeps while holding, or releases and sleeps.
void read(tickmlp_swap* swap, const Golden& golden, const char* name, const std::atomic<bool>& stop, Seen* seen) {
  tickmlp_reader* reader = nullptr;
  if (tickmlp_reader_create(swap, nullptr, name, &reader, nullptr) != TICKMLP_OK) {
    seen->wrong += 1;
    return;
  }
  std::vector<float> output(golden.each_out);
  uint64_t last = 0;
  for (uint64_t turn = 0; !stop.load(std::memory_order_relaxed) || turn == 0; ++turn) {
    const tickmlp_held& held = *tickmlp_reader_take(reader);
    seen->publications += held.number != last;
    seen->wrong += held.number < last || held.generation != generation_of(held.number);
    last = held.number;
    for (uint64_t more = turn % 7; more < 7; more += 3) {
      seen->wrong += !answer(held, golden, turn + more, output.data());
      seen->inferences += 1;
    }
    seen->per_model[held.generation - 1] += 1;
    if (turn % 97 == 5) sched_yield();
    if (turn % 101 == 7) {
      tickmlp_reader_release(reader);
      seen->releases += 1;
      if (turn % 3 == 0) sched_yield();
    }
  }
  tickmlp_reader_free(reader);
}

uint64_t resident_bytes() {
  uint64_t all = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

struct Result {
  uint64_t refused = 0, first_quarter = 0, last_quarter = 0;  // the largest resident set in each
};

// The publisher: as fast as it can; where the readers are behind it gives its core away and tries again.
Result storm(Slot& slot, const std::vector<tickmlp_preloaded*>& pool, uint64_t swaps) {
  Result result;
  for (uint64_t number = 2; number <= swaps + 1; ++number) {
    while (tickmlp_swap_select(slot.swap, pool[generation_of(number) - 1], &slot.error) != TICKMLP_OK) {
      if (slot.error.status != TICKMLP_READER_STALLED) return result;
      result.refused += 1;
      sched_yield();
    }
    if (number % 256 == 0) sched_yield();  // where all share one core
    if (number % (swaps / 64) != 0) continue;
    const uint64_t resident = resident_bytes();
    if (number <= swaps / 4) result.first_quarter = std::max(result.first_quarter, resident);
    if (number > swaps / 4 * 3) result.last_quarter = std::max(result.last_quarter, resident);
  }
  return result;
}

void run_storm(const char* name, uint64_t swaps, uint32_t retired_limit) {
  CAPTURE(name);
  Golden golden;
  tickmlp_model* first = load_variant(name, 1, 0);
  golden.add(first, 0);
  Slot slot(first, {retired_limit, 0});
  std::vector<tickmlp_preloaded*> pool(kModels);
  for (uint64_t i = 0; i < kModels; ++i) {
    tickmlp_model* model = load_variant(name, i + 1, static_cast<uint32_t>(i));
    golden.add(model, i);
    REQUIRE(tickmlp_swap_preload(slot.swap, model, &pool[i], &slot.error) == TICKMLP_OK);
  }
  for (uint64_t i = 1; i < kModels; ++i) REQUIRE(golden.outputs[i] != golden.outputs[i - 1]);
  std::atomic<bool> stop{false};
  Seen seen[3];
  std::vector<std::thread> readers;
  for (Seen& one : seen) readers.emplace_back([&] { read(slot.swap, golden, "storm", stop, &one); });
  while (slot.state().readers < std::size(seen)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  const Result result = storm(slot, pool, swaps);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  stop = true;
  for (std::thread& reader : readers) reader.join();

  CHECK(slot.state().number == swaps + 1);
  CHECK(tickmlp_swap_collect(slot.swap) == 0);
  for (const Seen& one : seen) {
    CHECK(one.wrong == 0);
    CHECK(one.inferences > 0);
    MESSAGE(one.inferences << " answers, " << one.publications << " publications seen, " << one.releases
                           << " releases, 0 torn");
  }
  MESSAGE(swaps << " swaps in " << seconds.count() << " s, " << result.refused << " times the readers were behind, RSS "
                << result.first_quarter / 1024 << " KiB in the first quarter, " << result.last_quarter / 1024
                << " in the last");
#if !TICKMLP_SANITIZED
  CHECK(result.first_quarter > 0);
  CHECK(result.last_quarter <= result.first_quarter + 65536);  // pages of a stack that are touched late
#endif
}

}  // namespace

TEST_CASE("a hundred thousand swaps, three readers: every answer is of the generation that it claims") {
  run_storm("strategic-int8", 100'000, 255);
}

TEST_CASE("readers too slow for the publisher: four places only, full path and ticks") {
  run_storm("tactical-int8", 3'000, 0);
  run_storm("tactical-float32", 3'000, 1);
}

TEST_CASE("ten million swaps" * doctest::skip(std::getenv("TICKMLP_SLOW") == nullptr)) {
  run_storm("strategic-int8", 10'000'000, 255);
}
