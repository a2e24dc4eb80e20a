// SPDX-License-Identifier: Apache-2.0
#include "evidence/histogram.h"

#include <algorithm>

#include "evidence/hdr_layout.h"

namespace tickmlp::bench {
namespace {

constexpr std::uint64_t kFirstBeyond = std::uint64_t{1} << 30;

}  // namespace

std::uint64_t Histogram::count() const {
  std::uint64_t sum = beyond;
  for (const auto& [slot, count] : slots) sum += count;
  return sum;
}

Histogram histogram_of(const tickmlp_recorder& recorder) {
  Histogram histogram;
  for (std::uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot)
    if (recorder.slots[slot] != 0) histogram.slots.emplace_back(slot, recorder.slots[slot]);
  histogram.beyond = recorder.beyond;
  if (recorder.beyond != 0) histogram.beyond_maximum = hdr_upper(hdr_bucket(std::max(recorder.maximum, kFirstBeyond)));
  return histogram;
}

void add_to(const Histogram& histogram, tickmlp_recorder* into) {
  const auto widen = [&](std::uint64_t low, std::uint64_t high) {
    into->minimum = std::min(into->minimum, low);
    into->maximum = std::max(into->maximum, high);
  };
  for (const auto& [slot, count] : histogram.slots) {
    into->slots[slot] += count;
    into->count += count;
    widen(tickmlp_recorder_slot_upper(slot), tickmlp_recorder_slot_upper(slot));
  }
  into->beyond += histogram.beyond;
  into->count += histogram.beyond;
  if (histogram.beyond != 0) widen(histogram.beyond_maximum, histogram.beyond_maximum);
}

std::unique_ptr<tickmlp_recorder> merged(const SeriesEvidence& series) {
  auto recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_recorder_reset(recorder.get());
  for (const Run& run : series.runs)
    for (const TimedBlock& block : run) add_to(block.histogram, recorder.get());
  return recorder;
}

}  // namespace tickmlp::bench
