// SPDX-License-Identifier: Apache-2.0
// Calibrates the CPU's counter: its rate against the system's steady clock, its step from empty timed regions.
#include <time.h>

#include <algorithm>
#include <cstdio>

#include "clock_source.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tickmlp {
namespace {

constexpr uint64_t kWindowNs = 20'000'000;  // a bracket is good to about 50 ns: 2.5e-6 of this window
constexpr int kBracketTries = 32;           // one of them is not interrupted
constexpr int kStepRounds = 5;
constexpr int kStepPairs = 1024;
constexpr int kCommon = kStepPairs / 100;  // a difference seen by at least 1 % of the pairs is no accident

struct Bracket {
  uint64_t ticks, nanoseconds, width;
};

// The system clock read between two readings of the counter; the tightest pair of several.
Bracket tightest_bracket(const ClockSource& source) {
  Bracket best{0, 0, UINT64_MAX};
  for (int i = 0; i < kBracketTries; ++i) {
    const uint64_t before = source.ticks(source.context);
    const uint64_t nanoseconds = source.nanoseconds(source.context);
    const uint64_t width = source.ticks(source.context) - before;  // wraps to a huge width if it went backwards
    if (width < best.width) best = {before + width / 2, nanoseconds, width};
  }
  return best;
}

// The step is the smallest distance between two common lengths of an empty region. The length itself is not the
// step: a counter that steps by 26 ticks shows 52 and 78. Nor is the smallest length, which some CPUs make 1 tick, so
// that no two readings are the same.
uint64_t step_of_round(uint64_t* lengths) {
  std::sort(lengths, lengths + kStepPairs);
  uint64_t step = UINT64_MAX, previous = UINT64_MAX;
  for (int begin = 0, end = 0; begin < kStepPairs; begin = end) {
    while (end < kStepPairs && lengths[end] == lengths[begin]) ++end;
    if (end - begin < kCommon) continue;
    if (previous != UINT64_MAX) step = std::min(step, lengths[begin] - previous);
    previous = lengths[begin];
  }
  if (step != UINT64_MAX) return step;
  for (int i = 0; i < kStepPairs; ++i)  // fewer than two common lengths: the smallest that is not zero
    if (lengths[i] != 0) return lengths[i];
  return 0;
}

// A delay that differs from pair to pair, so that the pairs start anywhere between two steps of the counter.
void spread_phase(int pair) {
  for (int i = 0; i < pair % 17; ++i) __asm__ volatile("" ::: "memory");
}

// False when a reading is below the one before it.
bool measure_step(const ClockSource& source, uint64_t* step) {
  uint64_t lengths[kStepPairs], rounds[kStepRounds], last = 0;
  for (uint64_t& round : rounds) {
    for (int pair = 0; pair < kStepPairs; ++pair) {
      const uint64_t begin = source.ticks(source.context);
      const uint64_t end = source.ticks(source.context);
      if (begin < last || end < begin) return false;
      last = end;
      lengths[pair] = end - begin;
      spread_phase(pair);
    }
    round = step_of_round(lengths);
  }
  std::sort(rounds, rounds + kStepRounds);
  *step = rounds[kStepRounds / 2];
  return true;
}

tickmlp_status refuse(tickmlp_error* error, const char* seen, uint64_t ticks, uint64_t nanoseconds) {
  if (error != nullptr) {
    error->status = TICKMLP_BAD_ARGUMENT;
    std::snprintf(error->message, sizeof error->message,
                  "the CPU's counter %s (%llu ticks in %llu ns); expected a steady counter of 1 MHz to 20 GHz, so no "
                  "latency can be measured here",
                  seen, static_cast<unsigned long long>(ticks), static_cast<unsigned long long>(nanoseconds));
  }
  return TICKMLP_BAD_ARGUMENT;
}

}  // namespace

tickmlp_status calibrate_clock(const ClockSource& source, tickmlp_clock* out, tickmlp_error* error) {
  if (out == nullptr) return TICKMLP_BAD_ARGUMENT;
  const Bracket start = tightest_bracket(source);
  uint64_t step = 0;
  if (!measure_step(source, &step)) return refuse(error, "goes backwards", 0, 0);
  for (uint64_t last = start.ticks; source.nanoseconds(source.context) - start.nanoseconds < kWindowNs;) {
    const uint64_t now = source.ticks(source.context);
    if (now < last) return refuse(error, "goes backwards", 0, 0);
    last = now;
  }
  const Bracket stop = tightest_bracket(source);
  const uint64_t ticks = stop.ticks - start.ticks, nanoseconds = stop.nanoseconds - start.nanoseconds;
  if (stop.ticks < start.ticks) return refuse(error, "goes backwards", 0, nanoseconds);
  if (ticks == 0) return refuse(error, "stands still", ticks, nanoseconds);
  const double measured = static_cast<double>(nanoseconds) / static_cast<double>(ticks);
  if (measured > 1000 || measured < 0.05) return refuse(error, "has an unbelievable rate", ticks, nanoseconds);
  out->ns_per_tick = source.known_ns_per_tick > 0 ? source.known_ns_per_tick : measured;
  out->multiplier = static_cast<uint64_t>(out->ns_per_tick * 4294967296.0 + 0.5);
  out->step_ns = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(step) * out->ns_per_tick + 0.5));
  out->invariant = source.invariant;
  return TICKMLP_OK;
}

namespace {

// One kind of reading for both ends: begin() waits for earlier instructions, which is what a bracket needs.
uint64_t cpu_ticks(void*) { return tickmlp_clock_begin(); }

// RAW is not slewed by NTP. A kernel without it (a sandbox) still has MONOTONIC, slewed by at most 500 ppm.
uint64_t steady_nanoseconds(void*) {
  timespec now{};
  if (clock_gettime(CLOCK_MONOTONIC_RAW, &now) != 0) clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

#if defined(__x86_64__)
bool counter_is_invariant() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
}
double declared_ns_per_tick() { return 0; }  // CPUID leaf 0x15 is missing or rounded on too many CPUs
#else
bool counter_is_invariant() { return true; }  // the architecture's generic timer has one rate
double declared_ns_per_tick() {
  uint64_t frequency = 0;
  __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
  return frequency == 0 ? 0 : 1e9 / static_cast<double>(frequency);
}
#endif

}  // namespace
}  // namespace tickmlp

extern "C" tickmlp_status tickmlp_clock_calibrate(tickmlp_clock* out, tickmlp_error* error) {
  using namespace tickmlp;
  const ClockSource source{cpu_ticks, steady_nanoseconds, nullptr, declared_ns_per_tick(), counter_is_invariant()};
  return calibrate_clock(source, out, error);
}
