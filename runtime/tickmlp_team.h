/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: one inference on several cores. Plain C; the same rules.
 *
 * For models whose weights are wider than one L1 cache: layer 1's lanes are cut over a team of pinned cores, the caller
 * and its members, and every output equals tickmlp_infer(), bit for bit. docs/TEAM.md says when it helps, and how a
 * call is handed over. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_TEAM_H)
#define TICKMLP_TEAM_H

#define TICKMLP_TEAM_MEMBERS 15 /* most members beside the caller */

/* One caller's team. Thread-compatible: infer from one thread at a time.
 * The library makes threads here and nowhere else, because the host asks for them: one for each member, pinned to its
 * core, named "tickmlp-N" (N the core), all signals blocked, with the scheduling policy of the thread that creates the
 * team. Each keeps its core busy all the time, from create to free, whether there is work or not: give members cores of
 * their own. The host's threads are not touched: the caller pins itself, with tickmlp_pin_thread(), to another core. */
typedef struct tickmlp_team tickmlp_team;

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_team_options {
  const int* cores;     /* [core_count] the members' cores, without the caller's; not kept */
  size_t core_count;    /* 0 .. TICKMLP_TEAM_MEMBERS; 0: the caller alone */
  uint64_t deadline_ns; /* 1 .. 1,000,000,000 from the hand-over to the moment from which the caller waits no longer
                           and computes a late member's lanes itself; 0: 10,000. Well above a good call's time */
  uint32_t yield_after; /* 0, the default: waiting makes no system call. N: caller and members give their core away
                           after N empty looks, and members may share a core: for boxes with fewer cores than the
                           team (tests, not production) */
  tickmlp_session_options session;
} tickmlp_team_options;

/* Load time, about 20 ms of busy waiting (the deadline's clock). The model must outlive the team. Returns when every
 * member is at work. On failure nothing is left behind. Errors: BAD_ARGUMENT, OUT_OF_MEMORY, PIN_FAILED (no such core,
 * offline, or outside the allowed set), TEAM_CORE_TWICE, TEAM_TOO_LARGE (more members than TICKMLP_TEAM_MEMBERS, or
 * more cores than the model has groups of 16 lanes), TEAM_DEADLINE, TEAM_THREAD (a thread could not be made, or did not
 * run within a second). */
TICKMLP_API tickmlp_status tickmlp_team_create(const tickmlp_model* model, const tickmlp_team_options* options,
                                               tickmlp_team** team, tickmlp_error* error);
/* Load time. NULL is allowed. Stops the members and waits until each has returned: a member that is stalled because its
 * core runs something else is waited for until it runs again, since it may still be reading the model and the team. In
 * a child after fork(), where members do not exist, nothing is waited for. */
TICKMLP_API void tickmlp_team_free(tickmlp_team* team);

/* Hot path; waits for the members, spinning, at most until the deadline. One state, as tickmlp_infer(): input
 * [input_count] and output [output_count] floats, the same rules and bits. Once it has returned nobody reads the input,
 * late members included. Errors: BAD_ARGUMENT, INPUT_COUNT, OUTPUT_COUNT, MISALIGNED, NON_FINITE_INPUT,
 * NON_FINITE_OUTPUT. */
TICKMLP_API tickmlp_status tickmlp_team_infer(tickmlp_team* team, const float* input, size_t input_count, float* output,
                                              size_t output_count);

typedef struct tickmlp_team_counters {
  uint64_t inferences; /* that gave an output */
  uint64_t refused;    /* non-finite input or output */
  uint64_t clipped;    /* input elements outside the calibrated range (int8) */
  uint64_t flushed;    /* input elements changed in flush mode */
  uint64_t alone;      /* inferences in which the caller computed the lanes of at least one member */
  uint64_t late;       /* times that a member missed the deadline; it is left out until it has come back */
  uint64_t rejoined;   /* times that such a member came back; late - rejoined are out now */
} tickmlp_team_counters;
/* Hot path. Thread-safe, as tickmlp_session_counters(). */
TICKMLP_API void tickmlp_team_read_counters(const tickmlp_team* team, tickmlp_team_counters* out);

#endif
