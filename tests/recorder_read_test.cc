// SPDX-License-Identifier: Apache-2.0
// Copies of a recorder that is being written, and the intervals between them. ThreadSanitizer runs this too.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tickmlp.h"

namespace {

constexpr std::uint64_t kRange = std::uint64_t{1} << 30;
using Recorder = std::unique_ptr<tickmlp_recorder>;

Recorder record(const std::vector<std::uint64_t>& samples = {}) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const std::uint64_t sample : samples) tickmlp_recorder_record(recorder.get(), sample);
  return recorder;
}

Recorder copy_of(const tickmlp_recorder& from) {
  auto copy = std::make_unique<tickmlp_recorder>();
  std::memset(copy.get(), 0xA5, sizeof *copy);  // nothing of what was there may be left
  tickmlp_recorder_read(&from, copy.get());
  return copy;
}

// What every copy and every interval keeps: the count is the slots' sum, the extremes lie in the outermost slots.
bool is_consistent(const tickmlp_recorder& r) {
  std::uint64_t sum = r.beyond, lowest = UINT64_MAX, highest = 0;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    if (r.slots[slot] == 0) continue;
    sum += r.slots[slot];
    lowest = std::min<std::uint64_t>(lowest, slot);
    highest = slot;
  }
  if (sum != r.count) return false;
  if (sum == 0) return r.minimum == UINT64_MAX && r.maximum == 0;
  const bool low = lowest == UINT64_MAX ? r.minimum >= kRange : tickmlp_recorder_slot(r.minimum) == lowest;
  const bool high = r.beyond != 0 ? r.maximum >= kRange : tickmlp_recorder_slot(r.maximum) == highest;
  return low && high;
}

std::vector<std::uint64_t> varied(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> samples(count);
  for (std::uint64_t& sample : samples)
    sample = static_cast<std::uint64_t>(std::exp2(std::uniform_real_distribution<>(0, 31)(random)));
  return samples;
}

}  // namespace

TEST_CASE("a copy of a recorder at rest is the recorder") {
  for (const auto& samples :
       {std::vector<std::uint64_t>{}, {0}, {2047, 2048}, {kRange}, {UINT64_MAX, 5}, varied(1000, 1)}) {
    const Recorder from = record(samples);
    CHECK_EQ(std::memcmp(copy_of(*from).get(), from.get(), sizeof *from), 0);
  }
}

TEST_CASE("extremes that do not belong to the slots are moved into them") {
  const Recorder torn = record({100, 5000});
  torn->minimum = 7;  // written by a sample whose slot is not
  torn->maximum = 900000;
  CHECK_EQ(copy_of(*torn)->minimum, 100);
  CHECK_EQ(copy_of(*torn)->maximum, tickmlp_recorder_slot_upper(tickmlp_recorder_slot(5000)));
  torn->minimum = 6000;  // a slot written by a sample whose extremes were not seen
  torn->maximum = 50;
  CHECK_EQ(copy_of(*torn)->minimum, 100);
  CHECK_EQ(copy_of(*torn)->maximum, tickmlp_recorder_slot_upper(tickmlp_recorder_slot(5000)));
  torn->beyond = 1;
  torn->count = 77;
  CHECK_EQ(copy_of(*torn)->maximum, kRange);
  CHECK_EQ(copy_of(*torn)->count, 3);
}

TEST_CASE("an interval holds what came between two copies") {
  const Recorder recorder = record({3, 400, 90000});
  const Recorder earlier = copy_of(*recorder);
  for (const std::uint64_t sample : {500ul, 70000ul, 600ul}) tickmlp_recorder_record(recorder.get(), sample);
  const Recorder interval = copy_of(*recorder);
  CHECK_EQ(tickmlp_recorder_subtract(interval.get(), earlier.get()), TICKMLP_OK);
  CHECK_EQ(interval->count, 3);
  CHECK_EQ(interval->minimum, 500);
  CHECK_EQ(interval->maximum, tickmlp_recorder_slot_upper(tickmlp_recorder_slot(70000)));
  CHECK_EQ(tickmlp_recorder_percentile(interval.get(), 1, 2), 600);
  CHECK(is_consistent(*interval));
  const Recorder nothing = copy_of(*recorder);
  CHECK_EQ(tickmlp_recorder_subtract(nothing.get(), recorder.get()), TICKMLP_OK);
  CHECK_EQ(std::memcmp(nothing.get(), record().get(), sizeof *nothing), 0);
}

TEST_CASE("what is no earlier copy is refused, and nothing is changed") {
  for (const std::uint64_t sample : {10ul, 5000ul, kRange}) {
    const Recorder from = record({20}), before = record({20}), other = record({20, sample});
    CHECK_EQ(tickmlp_recorder_subtract(from.get(), other.get()), TICKMLP_RECORDER_ORDER);
    CHECK_EQ(std::memcmp(from.get(), before.get(), sizeof *from), 0);
  }
  CHECK_EQ(std::string(tickmlp_status_name(TICKMLP_RECORDER_ORDER)), "recorder-order");
}

TEST_CASE("one thread records, another reads: intervals are whole and add up to everything") {
  const std::vector<std::uint64_t> samples = varied(100'000, 42);
  const Recorder recorder = record(), sum = record();
  std::atomic<bool> done{false}, enough{false};
  std::uint64_t rounds = 0;
  std::thread writer([&] {
    for (; !enough; ++rounds)
      for (const std::uint64_t sample : samples) tickmlp_recorder_record(recorder.get(), sample);
    done = true;
  });
  Recorder earlier = record();
  int copies = 0, wrong = 0;
  for (bool last = false; !last;) {
    last = done;  // before the copy: the last copy holds everything
    Recorder copy = copy_of(*recorder), interval = copy_of(*copy);
    wrong += !is_consistent(*copy);
    wrong += tickmlp_recorder_subtract(interval.get(), earlier.get()) != TICKMLP_OK;
    wrong += !is_consistent(*interval);
    copies += copy->count > earlier->count;
    if (copies == 50) enough = true;
    tickmlp_recorder_merge(sum.get(), interval.get());
    earlier = std::move(copy);
  }
  writer.join();
  CHECK_EQ(wrong, 0);
  CHECK_EQ(recorder->count, rounds * samples.size());
  CHECK_EQ(sum->count, recorder->count);
  CHECK_EQ(sum->beyond, recorder->beyond);
  CHECK_EQ(std::memcmp(sum->slots, recorder->slots, sizeof sum->slots), 0);
  CHECK_EQ(std::memcmp(earlier.get(), recorder.get(), sizeof *earlier), 0);
}
