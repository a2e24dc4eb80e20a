/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: the tick path. Plain C; the same rules.
 *
 * A model with a window sees rows (bars) of columns (features), oldest first, the newest last. Between bars only the
 * newest row changes: tick() finishes layer 1 with that row alone, from sums that were kept for the older ones. When a
 * bar closes the window moves by one: advance(), off the critical path. Every output equals tickmlp_infer() over the
 * same rows, bit for bit. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_WINDOW_H)
#define TICKMLP_WINDOW_H

/* The rows, the kept sums and the scratch of one thread. Thread-compatible. */
typedef struct tickmlp_window tickmlp_window;

/* Load time; allocates everything. The model must outlive its use, not its free(). options may be NULL. Errors:
 * BAD_ARGUMENT, OUT_OF_MEMORY, NO_WINDOW (the model was exported without one). */
TICKMLP_API tickmlp_status tickmlp_window_create(const tickmlp_model* model, const tickmlp_session_options* options,
                                                 tickmlp_window** window, tickmlp_error* error);
TICKMLP_API void tickmlp_window_free(tickmlp_window* window); /* Load time, also after its model. NULL is allowed. */

/* Hot path, about the cost of one full inference. Takes all rows from `state` [rows * columns] floats, which is copied.
 * Errors: BAD_ARGUMENT, INPUT_COUNT, MISALIGNED, NON_FINITE_INPUT; then the window is as it was. */
TICKMLP_API tickmlp_status tickmlp_window_reset(tickmlp_window* window, const float* state, size_t count);

/* Hot path, the short one. `row` [columns] floats is the newest row now; output [outputs] floats. The row is kept for
 * advance(). Errors: BAD_ARGUMENT, INPUT_COUNT (not the number of columns), OUTPUT_COUNT, MISALIGNED, NON_FINITE_INPUT,
 * NON_FINITE_OUTPUT, WINDOW_EMPTY (no reset yet); then nothing is written and the window is as it was. */
TICKMLP_API tickmlp_status tickmlp_window_tick(tickmlp_window* window, const float* row, size_t row_count,
                                               float* output, size_t output_count);

/* Hot path, about the cost of one full inference: the bar has closed. The oldest row goes, the row of the last tick (or
 * of reset) becomes the youngest of the older ones, and the sums are made anew. The newest row stays a copy of it until
 * the next tick. Errors: BAD_ARGUMENT, WINDOW_EMPTY. */
TICKMLP_API tickmlp_status tickmlp_window_advance(tickmlp_window* window);

/* Hot path. inferences: ticks that gave an output; clipped and flushed: of each element when it came in.
 * Thread-safe, as tickmlp_session_counters(). */
TICKMLP_API void tickmlp_window_counters(const tickmlp_window* window, tickmlp_counters* out);

#endif
