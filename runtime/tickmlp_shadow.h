/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: a second model that answers the same questions, and is only watched. Plain C;
 * the same rules.
 *
 * The hot thread hands each question and its answer over, when it has answered: a copy into a ring, no wait, no system
 * call; what does not fit is dropped and counted. Another thread, on another core, computes the second model and
 * compares. The library starts no thread for it. docs/AB_SHADOW.md has what it costs. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_SHADOW_H)
#define TICKMLP_SHADOW_H

#define TICKMLP_SHADOW_CAPACITY 65536 /* largest capacity */

/* One hot thread offers, one other thread works: each may be at its call at the same time. Otherwise thread-compatible.
 */
typedef struct tickmlp_shadow tickmlp_shadow;

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_shadow_options {
  uint32_t capacity;               /* questions that may wait, rounded up to a power of two; 0: 256 */
  uint32_t sample_every;           /* one question in so many is taken over; 0: every one */
  tickmlp_session_options session; /* the second model's */
} tickmlp_shadow_options;

/* A ring for `primary`'s questions, and a session of `candidate`, which must outlive it; `primary` is looked at here
 * only. Load time, about 20 ms (a clock is calibrated). Memory comes from the candidate's allocator. options may be
 * NULL. Errors: BAD_ARGUMENT, OUT_OF_MEMORY, OTHER_MODEL (other inputs, window, features or heads' outputs; the name
 * may differ). */
TICKMLP_API tickmlp_status tickmlp_shadow_create(const tickmlp_model* primary, const tickmlp_model* candidate,
                                                 const tickmlp_shadow_options* options, tickmlp_shadow** shadow,
                                                 tickmlp_error* error);
/* Load time. NULL is allowed; no thread may be using it. */
TICKMLP_API void tickmlp_shadow_free(tickmlp_shadow* shadow);

/* Hot path, wait-free; the hot thread. input [inputs] and output [outputs] floats are copied. 1: taken over; 0: not
 * this one (sample_every), dropped because the ring is full, or an argument is NULL. Call it once the answer is out. */
TICKMLP_API int tickmlp_shadow_offer(tickmlp_shadow* shadow, const float* input, const float* output);

/* The other thread, in a loop: computes and compares what waits, `most` questions at most, and returns how many it
 * did. Hot path: no system call, no allocation. 0: nothing waits, sleep or spin as you like. */
TICKMLP_API size_t tickmlp_shadow_work(tickmlp_shadow* shadow, size_t most);

typedef struct tickmlp_shadow_figures {
  uint64_t offered;     /* calls of offer that were not left out by sample_every */
  uint64_t dropped;     /* of these: the ring was full */
  uint64_t compared;    /* the candidate gave an answer too */
  uint64_t refused;     /* it did not: non-finite input or output */
  uint64_t identical;   /* of the compared: the same bits in every output */
  uint64_t same_argmax; /* of the compared: the same largest output in every softmax head (ties: the lower index) */
  double largest_probability_difference; /* over the outputs of all softmax heads; 0 without one */
  double largest_value_difference;       /* over all other outputs */
} tickmlp_shadow_figures;
/* Hot path. Thread-safe, also while the others are at work: each figure is one that it had. */
TICKMLP_API void tickmlp_shadow_read(const tickmlp_shadow* shadow, tickmlp_shadow_figures* out);
/* Hot path, thread-safe. The candidate's own calls, timed on its own thread: for tickmlp_recorder_read() or a monitor's
 * source. Lives as long as the shadow. */
TICKMLP_API const tickmlp_recorder* tickmlp_shadow_recorder(const tickmlp_shadow* shadow);
/* Hot path, thread-safe. The candidate's session, for its counters. Lives as long as the shadow. */
TICKMLP_API const tickmlp_session* tickmlp_shadow_session(const tickmlp_shadow* shadow);

#endif
