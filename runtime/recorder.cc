// SPDX-License-Identifier: Apache-2.0
// The part of the recorder that is not on the hot path: reset, copies for other threads, merge and what is read out of
// it. No allocation.
#include <cstring>

#include "tickmlp.h"

namespace {

constexpr uint32_t kExactSlots = 2048;    // one slot a nanosecond below 2,048 ns
constexpr uint32_t kSlotsPerOctave = 64;  // above: 64 slots an octave, so a slot is at most 1/64 = 1.6 % wide
constexpr uint32_t kFirstShift = 5;       // 2,048 >> 5 = 64: the first octave's slots are 32 ns wide

static_assert(TICKMLP_RECORDER_SLOTS == kExactSlots + (30 - 11) * kSlotsPerOctave, "octaves 2^11 .. 2^30");
static_assert(sizeof(tickmlp_recorder) == 8 * TICKMLP_RECORDER_SLOTS + 32, "no padding: recorders may be stored");
static_assert(sizeof(tickmlp_recorder) <= 32768, "one recorder fits a 32 KiB L1 data cache");

uint64_t slot_lower(uint32_t slot) { return slot == 0 ? 0 : tickmlp_recorder_slot_upper(slot - 1) + 1; }

// The sample's value is known to lie in lower .. upper: the best guess is the middle.
double slot_middle(uint32_t slot) {
  return 0.5 * (static_cast<double>(slot_lower(slot)) + static_cast<double>(tickmlp_recorder_slot_upper(slot)));
}

// ceil(numerator / denominator * count) in integers, at least 1: in doubles 0.999 * 200,000 gives rank 199,801.
uint64_t rank_of(uint64_t count, uint64_t numerator, uint64_t denominator) {
  if (denominator == 0 || numerator >= denominator) return count;
  const tickmlp_uint128 product = static_cast<tickmlp_uint128>(count) * numerator;
  const auto rank = static_cast<uint64_t>((product + denominator - 1) / denominator);
  return rank == 0 ? 1 : rank;
}

// How much of the tenths [begin, begin + length) lies inside the central part [low, high).
tickmlp_uint128 overlap(tickmlp_uint128 begin, tickmlp_uint128 length, tickmlp_uint128 low, tickmlp_uint128 high) {
  const tickmlp_uint128 first = begin > low ? begin : low;
  const tickmlp_uint128 end = begin + length < high ? begin + length : high;
  return end > first ? end - first : 0;
}

// Of the slots that are not empty; `none` where all are, or where the extreme lies beyond them.
uint32_t lowest_slot(const tickmlp_recorder& recorder, uint32_t none) {
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot)
    if (recorder.slots[slot] != 0) return slot;
  return none;
}
uint32_t highest_slot(const tickmlp_recorder& recorder, uint32_t none) {
  if (recorder.beyond != 0) return none;
  for (uint32_t slot = TICKMLP_RECORDER_SLOTS; slot-- > 0;)
    if (recorder.slots[slot] != 0) return slot;
  return none;
}

// An extreme that lies outside its slot was read before or after the sample that it belongs to: the slot's outer edge
// takes its place. Beyond the slots, where there is none, it is the least value there.
void enclose(tickmlp_recorder& recorder) {
  if (recorder.count == 0) {
    recorder.minimum = UINT64_MAX;
    recorder.maximum = 0;
    return;
  }
  const uint32_t low = lowest_slot(recorder, TICKMLP_RECORDER_SLOTS);
  const uint32_t high = highest_slot(recorder, TICKMLP_RECORDER_SLOTS);
  if (recorder.minimum < slot_lower(low) || recorder.minimum > tickmlp_recorder_slot_upper(low))
    recorder.minimum = slot_lower(low);
  if (recorder.maximum >= slot_lower(high) && recorder.maximum <= tickmlp_recorder_slot_upper(high)) return;
  recorder.maximum = high < TICKMLP_RECORDER_SLOTS ? tickmlp_recorder_slot_upper(high) : slot_lower(high);
}

}  // namespace

extern "C" {

void tickmlp_recorder_reset(tickmlp_recorder* recorder) {
  std::memset(recorder, 0, sizeof *recorder);
  recorder->minimum = UINT64_MAX;
}

void tickmlp_recorder_merge(tickmlp_recorder* into, const tickmlp_recorder* from) {
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) into->slots[slot] += from->slots[slot];
  into->count += from->count;
  into->beyond += from->beyond;
  if (from->minimum < into->minimum) into->minimum = from->minimum;
  if (from->maximum > into->maximum) into->maximum = from->maximum;
}

void tickmlp_recorder_read(const tickmlp_recorder* from, tickmlp_recorder* into) {
  into->count = 0;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot)
    into->count += into->slots[slot] = __atomic_load_n(&from->slots[slot], __ATOMIC_RELAXED);
  into->count += into->beyond = __atomic_load_n(&from->beyond, __ATOMIC_RELAXED);
  into->minimum = __atomic_load_n(&from->minimum, __ATOMIC_RELAXED);
  into->maximum = __atomic_load_n(&from->maximum, __ATOMIC_RELAXED);
  enclose(*into);
}

tickmlp_status tickmlp_recorder_subtract(tickmlp_recorder* from, const tickmlp_recorder* earlier) {
  bool later = from->beyond >= earlier->beyond;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) later &= from->slots[slot] >= earlier->slots[slot];
  if (!later) return TICKMLP_RECORDER_ORDER;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) from->slots[slot] -= earlier->slots[slot];
  from->beyond -= earlier->beyond;
  from->count -= earlier->count;
  enclose(*from);  // the whole copy's extremes stay where they can be the interval's: they are the tighter bounds
  return TICKMLP_OK;
}

uint64_t tickmlp_recorder_slot_upper(uint32_t slot) {
  if (slot < kExactSlots) return slot;
  if (slot >= TICKMLP_RECORDER_SLOTS) return UINT64_MAX;  // `beyond` has no upper edge
  const uint32_t octave = (slot - kExactSlots) / kSlotsPerOctave;
  const uint64_t top_bits = kSlotsPerOctave + (slot - kExactSlots) % kSlotsPerOctave;
  return ((top_bits + 1) << (octave + kFirstShift)) - 1;
}

uint64_t tickmlp_recorder_percentile(const tickmlp_recorder* recorder, uint64_t numerator, uint64_t denominator) {
  if (recorder->count == 0) return 0;
  const uint64_t rank = rank_of(recorder->count, numerator, denominator);
  uint64_t seen = 0;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    seen += recorder->slots[slot];
    if (seen < rank) continue;
    const uint64_t upper = tickmlp_recorder_slot_upper(slot);
    return upper < recorder->maximum ? upper : recorder->maximum;
  }
  return recorder->maximum;  // the rank falls into `beyond`, where only the largest value is known
}

// Exactly 10 % of the counts are cut at each end. Counting in tenths of a sample keeps that exact for every count:
// a slot that the cut goes through enters with the fraction that is left of it.
double tickmlp_recorder_central(const tickmlp_recorder* recorder) {
  if (recorder->count == 0) return 0;
  const tickmlp_uint128 low = recorder->count;
  const tickmlp_uint128 high = 9 * low;
  tickmlp_uint128 seen = 0;
  double sum = 0;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS && seen < high; ++slot) {
    if (recorder->slots[slot] == 0) continue;
    const tickmlp_uint128 tenths = static_cast<tickmlp_uint128>(recorder->slots[slot]) * 10;
    sum += slot_middle(slot) * static_cast<double>(overlap(seen, tenths, low, high));
    seen += tenths;
  }
  const tickmlp_uint128 unplaced = overlap(seen, high, low, high);  // of `beyond`: only the maximum is known
  sum += static_cast<double>(recorder->maximum) * static_cast<double>(unplaced);
  return sum / static_cast<double>(8 * low);
}

}  // extern "C"
