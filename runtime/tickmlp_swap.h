/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: a new model for running readers. Plain C; the same rules.
 *
 * A slot holds the current model. Reading threads take it between inferences; a publisher puts a new one in its place
 * while they run. Each inference runs on one model from begin to end. What a model needs for a reader (a session, a
 * window) is made by the publisher beforehand, and an old model is freed when no reader can hold it any more: a reader
 * never locks, waits, allocates or frees. docs/HOT_SWAP.md has the protocol, its proof and its cost. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_SWAP_H)
#define TICKMLP_SWAP_H

#define TICKMLP_SWAP_READERS 64      /* most readers of a slot */
#define TICKMLP_SWAP_RETIRED 1048575 /* largest retired_limit */
#define TICKMLP_READER_NAME_BYTES 32 /* of a reader's name, with its NUL */

/* The slot. Every tickmlp_swap_* function, and creating and freeing readers, is load time and thread-safe: they take
 * the slot's lock, which the readers' hot path knows nothing of. Not for use in a child after fork(). */
typedef struct tickmlp_swap tickmlp_swap;

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_swap_options {
  uint32_t retired_limit; /* most publications that may wait for a reader to leave them; 0: 4. Bounds the memory: so
                             many models, and the current one, are alive at most */
  uint64_t stall_ns;      /* a reader that a newer model waits for so long counts as stalled; 0: 1,000,000,000 */
} tickmlp_swap_options;

/* A slot with its first model, which it owns from then on (on failure the caller does). Load time. Memory comes from
 * that model's allocator. options may be NULL. Errors: BAD_ARGUMENT, OUT_OF_MEMORY. */
TICKMLP_API tickmlp_status tickmlp_swap_create(tickmlp_model* first, const tickmlp_swap_options* options,
                                               tickmlp_swap** swap, tickmlp_error* error);
/* Frees the slot, every model in it and every reader that is left. No thread may be using any of them. NULL is
 * allowed. */
TICKMLP_API void tickmlp_swap_free(tickmlp_swap* swap);

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_publish_options {
  int rollback; /* a generation that does not rise is meant: not refused */
} tickmlp_publish_options;

/* Makes `next` the current model: sessions and windows for every reader, about 50 us each, then one store. The slot
 * owns `next` only when OK is returned; otherwise the slot is as it was. Retired models that no reader can hold are
 * freed. Never waits for a reader. options may be NULL. Errors:
 * BAD_ARGUMENT, OUT_OF_MEMORY;
 * OTHER_MODEL: name, inputs, window, features or heads' outputs differ from the current model's;
 * OLD_GENERATION: not above the current model's, and no rollback;
 * READER_STALLED: retired_limit publications wait already; the sentence names the reader that holds the oldest, and
 * for how long. Try again later. */
TICKMLP_API tickmlp_status tickmlp_swap_publish(tickmlp_swap* swap, tickmlp_model* next,
                                                const tickmlp_publish_options* options, tickmlp_error* error);

/* Models that are kept ready and switched between at will, forth and back. */
typedef struct tickmlp_preloaded tickmlp_preloaded;
/* Takes ownership of the model on OK, and makes sessions and windows for every reader, also for those that come later.
 * It is current only once selected. Errors: BAD_ARGUMENT, OTHER_MODEL, OUT_OF_MEMORY. */
TICKMLP_API tickmlp_status tickmlp_swap_preload(tickmlp_swap* swap, tickmlp_model* model, tickmlp_preloaded** preloaded,
                                                tickmlp_error* error);
/* Makes it the current model, whatever its generation: one store, no allocation, 0.1 us, or
 * 5 after a sleep. The readers' windows for
 * it are as they left them: reset them. Errors: BAD_ARGUMENT, READER_STALLED. */
TICKMLP_API tickmlp_status tickmlp_swap_select(tickmlp_swap* swap, tickmlp_preloaded* preloaded, tickmlp_error* error);
/* Gives a preloaded model up: it is freed when it is neither current nor held. NULL is allowed. */
TICKMLP_API void tickmlp_swap_unload(tickmlp_swap* swap, tickmlp_preloaded* preloaded);

/* Frees what no reader can hold; returns how many retired publications are still held. The hold of a reader whose
 * thread has ended is given up. For a housekeeping thread, now and then. */
TICKMLP_API size_t tickmlp_swap_collect(tickmlp_swap* swap);

typedef struct tickmlp_swap_state {
  const tickmlp_model* model; /* the current one; for whoever publishes, until the next publication */
  uint64_t generation;        /* its */
  uint64_t number;            /* its publication: 1 for the first model, one more each time */
  uint64_t refused;           /* publications that were refused, for whatever reason */
  size_t retired;             /* publications that a reader may still hold */
  size_t readers, stalled, dead;
} tickmlp_swap_state;
/* Load time. The figures of one instant. */
TICKMLP_API void tickmlp_swap_status(const tickmlp_swap* swap, tickmlp_swap_state* out);

typedef struct tickmlp_reader_info {
  char name[TICKMLP_READER_NAME_BYTES];
  int thread;          /* id of the thread that created it, as in /proc/self/task */
  int alive;           /* that thread exists. A new thread with the same id would be taken for it: the safe side */
  uint64_t number;     /* of the publication that it holds; 0: none */
  uint64_t generation; /* of the model that it holds; 0: none */
  uint64_t behind_ns;  /* for how long a newer model has been waiting for it; 0: it has the newest, or none */
  int stalled;         /* alive, and behind for stall_ns and more */
  uint64_t takes;      /* calls of tickmlp_reader_take() */
} tickmlp_reader_info;
/* index counts from 0 over the readers that exist now. Errors: BAD_ARGUMENT (no such reader; NULL). */
TICKMLP_API tickmlp_status tickmlp_swap_reader(const tickmlp_swap* swap, size_t index, tickmlp_reader_info* out);

/* One reading thread. Thread-compatible. Beside the hot path only the slot's own functions look at it. */
typedef struct tickmlp_reader tickmlp_reader;

/* What a reader uses until its next take or release. */
typedef struct tickmlp_held {
  const tickmlp_model* model;
  tickmlp_session* session; /* this reader's, for this model */
  tickmlp_window* window;   /* likewise, empty at first: reset it. NULL where the model has none */
  uint64_t generation;      /* the model's */
  uint64_t number;          /* of the publication; never falls */
} tickmlp_held;

/* Call it in the thread that will read: the end of that thread ends the reader's hold. The name (may be NULL) is cut to
 * 31 bytes. `options` are those of every session and window, NULL for the defaults. Errors: BAD_ARGUMENT,
 * OUT_OF_MEMORY, READER_LIMIT (TICKMLP_SWAP_READERS exist). */
TICKMLP_API tickmlp_status tickmlp_reader_create(tickmlp_swap* swap, const tickmlp_session_options* options,
                                                 const char* name, tickmlp_reader** reader, tickmlp_error* error);
/* Load time. Frees it, its sessions and its windows. From any thread, once its own uses it no more. NULL is allowed. */
TICKMLP_API void tickmlp_reader_free(tickmlp_reader* reader);

/* What the reader's sessions and windows have counted, over all models that it has held. Load time (the slot's lock);
 * thread-safe: for a monitor's source, whose counters must not fall when a model goes. */
TICKMLP_API void tickmlp_reader_counters(const tickmlp_reader* reader, tickmlp_counters* out);

/* Hot path, wait-free, 1 to 2 ns while the model stays. Says that the reader is done with what it held, and gives the
 * current model. The pointer differs from the last one exactly when there was a publication in between; the struct
 * behind the last one stays readable until the take after this, what it points to does not. NULL for NULL. */
TICKMLP_API const tickmlp_held* tickmlp_reader_take(tickmlp_reader* reader);
/* Hot path, wait-free. Holds nothing from here on: before the thread sleeps or blocks, so that nobody waits for it. */
TICKMLP_API void tickmlp_reader_release(tickmlp_reader* reader);

#endif
