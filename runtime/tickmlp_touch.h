/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: keeping a quiet model's memory in the caches. Plain C; the same rules.
 *
 * Between two calls that lie milliseconds apart other programs, and the caller's own work, take the caches. A call then
 * waits for main memory: a tick of 0.14 us becomes one of several. A thread that has time to wait calls touch()
 * meanwhile, every 50 to 100 us. It runs the real path into scratch, so that weights, kept sums, code and branches stay
 * where the next call needs them. Outputs, counters and rows are as if it had not been called. It brings nothing where
 * calls follow each other within some 100 us anyway. `tickmlp certify --scenario spaced-10ms,touched-10ms` shows both
 * on a box. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_TOUCH_H)
#define TICKMLP_TOUCH_H

/* Hot path, the cost of one tickmlp_infer(). Thread-compatible: from the thread that calls tickmlp_infer().
 * Error: BAD_ARGUMENT (NULL). */
TICKMLP_API tickmlp_status tickmlp_session_touch(tickmlp_session* session);

/* Hot path, the cost of one tickmlp_window_tick(). For ticks only: what advance() and reset() read is not touched.
 * Thread-compatible, likewise. Errors: BAD_ARGUMENT (NULL), WINDOW_EMPTY (no reset yet). */
TICKMLP_API tickmlp_status tickmlp_window_touch(tickmlp_window* window);

#endif
