/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: clock, recorder, pinning. Plain C; the same rules. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_MEASURE_H)
#define TICKMLP_MEASURE_H
#include <stddef.h>
#include <stdint.h>

/* ---- Clock: the CPU's own counter (x86 TSC, Arm CNTVCT), calibrated once against CLOCK_MONOTONIC. ---- */
typedef struct tickmlp_clock {
  double ns_per_tick;
  uint64_t multiplier; /* ns = (ticks * multiplier) >> 32, exact to 1 ns for spans under a second */
  uint64_t step_ns;    /* distance between two neighbouring readings, at least 1; 10 on many virtual machines */
  int invariant;       /* the CPU promises a constant rate */
} tickmlp_clock;

/* Load time, about 20 ms of busy waiting: measures the tick against CLOCK_MONOTONIC. Thread-safe. Errors: BAD_ARGUMENT
 * (NULL, or a counter that stands still or goes backwards). */
TICKMLP_API tickmlp_status tickmlp_clock_calibrate(tickmlp_clock* out, tickmlp_error* error);

/* Hot path, inline. Thread-safe. Ticks of the CPU's counter: what stands before the call is done when it is read, what
 * stands after it has not begun. */
#if defined(__x86_64__)
static inline uint64_t tickmlp_clock_begin(void) {
  uint32_t low, high;
  __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
  return ((uint64_t)high << 32) | low;
}
#elif defined(__aarch64__)
static inline uint64_t tickmlp_clock_begin(void) {
  uint64_t ticks;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
  return ticks;
}
#else
#error "tickmlp knows x86-64 and AArch64"
#endif
/* Hot path, inline. Thread-safe. Ticks: the timed instructions are done when it is read. Not rdtscp: it orders no more
 * than this, and virtual machines that show an older CPU have none. */
static inline uint64_t tickmlp_clock_end(void) { return tickmlp_clock_begin(); }
__extension__ typedef unsigned __int128 tickmlp_uint128;
/* Hot path, inline. Thread-safe. Nanoseconds of a span of ticks, to 1 ns below a second. */
static inline uint64_t tickmlp_clock_ns(const tickmlp_clock* clock, uint64_t ticks) {
  return (uint64_t)(((tickmlp_uint128)ticks * clock->multiplier) >> 32);
}

/* ---- Recorder: fixed-size latency histogram, one a thread. Thread-compatible, but for tickmlp_recorder_read(). ----
 * Exact slots up to 2,047 ns, then 64 slots an octave (1.6 %) to 2^30 ns; 64-bit counts: 3,264 slots, 26,112 bytes.
 * Larger values are counted in `beyond` and enter the percentiles as the exact maximum. */
#define TICKMLP_RECORDER_SLOTS 3264
typedef struct tickmlp_recorder {
  uint64_t slots[TICKMLP_RECORDER_SLOTS];
  uint64_t count;            /* everything recorded, `beyond` included */
  uint64_t beyond;           /* values of 2^30 ns and more */
  uint64_t minimum, maximum; /* ns, exact; minimum is UINT64_MAX while empty */
} tickmlp_recorder;

/* Hot path: 26 KB are zeroed. Not while another thread reads it. */
TICKMLP_API void tickmlp_recorder_reset(tickmlp_recorder* recorder);
/* Hot path, inline. Thread-safe. Slot of a value below 2^30 ns. Without a branch, since one on the value costs 2 ns
 * where values lie on both sides of 2,048: from there on the slot is the exponent and the top 6 bits of the mantissa of
 * the value as a double (the conversion is exact), and a smaller value counts down from 2,048's slot. */
static inline uint32_t tickmlp_recorder_slot(uint64_t ns) {
  const int32_t value = (int32_t)ns, inside = value > 2048 ? value : 2048;
  const double number = inside;
  uint64_t bits;
  __builtin_memcpy(&bits, &number, sizeof bits);
  return (uint32_t)(bits >> 46) - ((1023u + 11u) * 64u - 2048u) + (uint32_t)(value - inside);
}
/* Hot path, inline. Thread-compatible: one writer's increment of *counter, which other threads may read: a plain load
 * and a plain store, no lock prefix. */
static inline void tickmlp_recorder_increment(uint64_t* counter) {
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}
/* Hot path: 1.1 to 1.4 ns amortised, whatever the values (Zen 4). Its branches are hardly ever taken. Wait-free; one
 * thread writes, any others may tickmlp_recorder_read() meanwhile. */
static inline void tickmlp_recorder_record(tickmlp_recorder* recorder, uint64_t ns) {
  tickmlp_recorder_increment(&recorder->count);
  if (__builtin_expect(ns < __atomic_load_n(&recorder->minimum, __ATOMIC_RELAXED), 0))
    __atomic_store_n(&recorder->minimum, ns, __ATOMIC_RELAXED);
  if (__builtin_expect(ns > __atomic_load_n(&recorder->maximum, __ATOMIC_RELAXED), 0))
    __atomic_store_n(&recorder->maximum, ns, __ATOMIC_RELAXED);
  if (__builtin_expect(ns < (UINT64_C(1) << 30), 1))
    tickmlp_recorder_increment(&recorder->slots[tickmlp_recorder_slot(ns)]);
  else tickmlp_recorder_increment(&recorder->beyond);
}
/* Hot path in that it neither allocates nor waits, but made for a housekeeping thread: about 5 microseconds, and 26 KB
 * of cache lines that the writer has to fetch back. Wait-free. Copies `from`, which another thread may be recording
 * into, to `into`, which is the caller's alone. A sample recorded meanwhile is in the copy or not, never in part: the
 * count is the sum of the slots and `beyond`, the minimum and maximum lie in the outermost slots that are not empty
 * (exact where the writer stands still). */
TICKMLP_API void tickmlp_recorder_read(const tickmlp_recorder* from, tickmlp_recorder* into);
/* Hot path, microseconds. Makes a copy the interval since an earlier copy of the same recorder. Its minimum and maximum
 * are the edges of its outermost slots, never outside the copy's own. Errors: RECORDER_ORDER, with `from`
 * untouched: a slot of `earlier` holds more (copies in the wrong order, or a reset between them). */
TICKMLP_API tickmlp_status tickmlp_recorder_subtract(tickmlp_recorder* from, const tickmlp_recorder* earlier);
/* Hot path, microseconds. Adds `from`, which nobody writes meanwhile, to `into`; nothing is lost. */
TICKMLP_API void tickmlp_recorder_merge(tickmlp_recorder* into, const tickmlp_recorder* from);
/* Hot path. Thread-safe. Largest value that falls into a slot, ns. */
TICKMLP_API uint64_t tickmlp_recorder_slot_upper(uint32_t slot);
/* Hot path, microseconds. Value in ns at rank ceil(numerator / denominator * count), in integers: the slot's upper
 * edge, never above the maximum. 0 while empty. p99.9 is (999, 1000). Errors: none; numerator is taken in 0 ..
 * denominator. */
TICKMLP_API uint64_t tickmlp_recorder_percentile(const tickmlp_recorder* recorder, uint64_t numerator,
                                                 uint64_t denominator);
/* Hot path, microseconds. Mean of the central 80 % of the samples, from slot middles, in ns; 0 while empty. Resolves
 * below the clock's step. */
TICKMLP_API double tickmlp_recorder_central(const tickmlp_recorder* recorder);

/* ---- Pinning: only when asked; the calling thread only. Load time (system calls). ---- */
/* Load time. Thread-safe. Pins the calling thread to `core` (0-based) and reads the affinity and the current core back.
 * Errors: PIN_FAILED (no such core, offline, or outside the allowed set, which the message names). */
TICKMLP_API tickmlp_status tickmlp_pin_thread(int core, tickmlp_error* error);

#endif
