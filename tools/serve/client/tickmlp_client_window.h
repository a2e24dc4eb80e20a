/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp_client.h, which includes it: the tick path through shared memory. Plain C; the same rules.
 *
 * The server keeps the rows of a window for this client: reset sends all of them once, a tick the newest row alone (one
 * cache line for the seven features of a tactical bar), advance moves them by one when a bar has closed. As with
 * tickmlp_window_*, every output equals that of the whole state, bit for bit. When the server takes a new generation,
 * the next call makes the window anew from the rows that are there (20 to 40 us once), and says so in its answer.
 *
 * A window has one request under way. One that has missed its deadline is still done by the server: the next call on
 * that window waits for it first, within its own deadline. */
#ifndef TICKMLP_CLIENT_H
#include "tickmlp_client.h" /* which includes this file in its place */
#elif !defined(TICKMLP_CLIENT_WINDOW_H)
#define TICKMLP_CLIENT_WINDOW_H

#define TICKMLP_CLIENT_WINDOWS 64 /* most windows of a client; the server may grant fewer (16 where it was not told) */

/* Load time, well below a microsecond: the server knows of the window from its first reset on. *window is a number for
 * a window of the model; where that is a split, `key` chooses the arm at each reset, else it is ignored. It goes with
 * tickmlp_client_window_close(), or with the client. Errors: BAD_ARGUMENT (also a handle that was not found yet),
 * SERVER_GONE, MODEL_CHANGED, NO_WINDOW, WINDOW_LIMIT. */
TICKMLP_API tickmlp_client_status tickmlp_client_window_open(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                             uint32_t* window, tickmlp_client_error* error);
/* Hot path. Gives it up, and does not wait for the server. An unknown number is ignored. */
TICKMLP_API void tickmlp_client_window_close(tickmlp_client* client, uint32_t window);

/* Hot path, about the cost of a state. Takes all rows from `state` [window_rows * window_columns] floats, oldest first.
 * answer may be NULL. Errors: BAD_ARGUMENT, SERVER_GONE, DEADLINE, SLOTS_BUSY, TOO_LARGE (input_floats), NO_MODEL,
 * NO_VERSION, MODEL_CHANGED, NO_WINDOW, WINDOW_LIMIT, NON_FINITE_INPUT, UNAVAILABLE, SERVER_ERROR; then the window is
 * as it was, but after DEADLINE empty. */
TICKMLP_API tickmlp_client_status tickmlp_client_window_reset(tickmlp_client* client, uint32_t window,
                                                              const float* state, uint64_t deadline_ns,
                                                              tickmlp_client_answer* answer);

/* Hot path, the short one. `row` [window_columns] floats is the newest row now; outputs [the model's]. answer may be
 * NULL. Errors: those of reset but WINDOW_LIMIT, and NON_FINITE_OUTPUT, WINDOW_EMPTY (no reset yet, or an advance or a
 * reset missed its deadline, or the server was started anew: reset the window); then nothing is written and the window
 * is as it was, but after DEADLINE the row may be the newest. */
TICKMLP_API tickmlp_client_status tickmlp_client_window_tick(tickmlp_client* client, uint32_t window, const float* row,
                                                             float* outputs, uint64_t deadline_ns,
                                                             tickmlp_client_answer* answer);

/* Hot path. The first half of a tick, for several windows at once: puts `row` [window_columns] floats into a free slot;
 * *ticket is for tickmlp_client_receive(). Errors: BAD_ARGUMENT, SERVER_GONE, SLOTS_BUSY (also: this window's last
 * request is not answered yet), TOO_LARGE, MODEL_CHANGED, WINDOW_EMPTY. */
TICKMLP_API tickmlp_client_status tickmlp_client_window_send(tickmlp_client* client, uint32_t window, const float* row,
                                                             uint64_t* ticket);

/* Hot path, about the cost of a state: the bar has closed. The oldest row goes, the row of the last tick (or of reset)
 * becomes the youngest of the older ones, and stays the newest until the next tick. answer may be NULL. Errors:
 * BAD_ARGUMENT, SERVER_GONE, DEADLINE, SLOTS_BUSY, NO_MODEL, NO_VERSION, MODEL_CHANGED, WINDOW_EMPTY, UNAVAILABLE,
 * SERVER_ERROR; then the window is as it was, but after DEADLINE empty. */
TICKMLP_API tickmlp_client_status tickmlp_client_window_advance(tickmlp_client* client, uint32_t window,
                                                                uint64_t deadline_ns, tickmlp_client_answer* answer);

#endif
