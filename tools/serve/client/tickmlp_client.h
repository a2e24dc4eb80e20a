/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from `tickmlp serve --shared-memory PATH` on the same box, in about a microsecond. Plain C.
 *
 * A client has a ring of slots in memory that it shares with the server, and a core of the server looks at it all the
 * time. What answers is the server's model, to the bit what `tickmlp run` says. The library needs no libtickmlp, never
 * prints, exits, aborts, throws or makes a thread, and changes no signal handler.
 *
 * Cost class "load time": system calls, allocation, waiting. "hot path": no allocation and no lock; the waiting is
 * busy, with one system call (poll) every 50 us that an answer is late, and a few every millisecond while the server is
 * gone. A call ends by its deadline, whatever the server does. On failure outputs are untouched; where a call takes
 * `error` (may be NULL), that receives a sentence. Floats are IEEE binary32, aligned to 4 bytes; matrices are row-major
 * and dense. A child after fork() must not use its parent's clients. */
#ifndef TICKMLP_CLIENT_H
#define TICKMLP_CLIENT_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#ifndef TICKMLP_API
#define TICKMLP_API __attribute__((visibility("default")))
#endif

#define TICKMLP_CLIENT_SLOTS 64      /* most requests in flight */
#define TICKMLP_CLIENT_MODELS 64     /* most models of a client */
#define TICKMLP_CLIENT_NAME_BYTES 64 /* of a model's name, with its NUL */

/* Every way a call can end. tickmlp_client_status_name() gives the name in lower case, "server-gone" for instance. */
typedef enum tickmlp_client_status {
  TICKMLP_CLIENT_OK = 0,
  TICKMLP_CLIENT_BAD_ARGUMENT, /* the call itself: NULL, an unknown model or ticket, a misaligned pointer */
  TICKMLP_CLIENT_OUT_OF_MEMORY,
  TICKMLP_CLIENT_NO_SERVER,         /* nobody listens at the path */
  TICKMLP_CLIENT_REFUSED,           /* the server or this client would not: another user, too many clients ... */
  TICKMLP_CLIENT_SERVER_GONE,       /* it ended. Calls find it again by themselves once it is back */
  TICKMLP_CLIENT_DEADLINE,          /* no answer in time; the slot is free again once the server is through with it */
  TICKMLP_CLIENT_SLOTS_BUSY,        /* as many requests in flight as there are slots */
  TICKMLP_CLIENT_TOO_LARGE,         /* more states than a request takes: input_floats, output_floats, max_states */
  TICKMLP_CLIENT_NO_MODEL,          /* the server has no model of that name, now */
  TICKMLP_CLIENT_NO_VERSION,        /* nor that generation of it */
  TICKMLP_CLIENT_MODEL_CHANGED,     /* its inputs or outputs are others now: ask for the model again */
  TICKMLP_CLIENT_NON_FINITE_INPUT,  /* NaN or infinity in a state */
  TICKMLP_CLIENT_NON_FINITE_OUTPUT, /* a state drives the model to an infinity */
  TICKMLP_CLIENT_UNAVAILABLE,       /* the server answers no requests for it now */
  TICKMLP_CLIENT_SERVER_ERROR,      /* the server's own fault */
  TICKMLP_CLIENT_KEY_EXPECTED,      /* the model is a split: a key must choose */
  TICKMLP_CLIENT_NO_WINDOW,         /* the model was exported without a window */
  TICKMLP_CLIENT_WINDOW_LIMIT,      /* as many windows are open as a client may have */
  TICKMLP_CLIENT_WINDOW_EMPTY,      /* no reset yet, or what was there is lost: reset the window */
  TICKMLP_CLIENT_STATUS_COUNT
} tickmlp_client_status;

typedef struct tickmlp_client_error {
  tickmlp_client_status status;
  char message[248]; /* one line, NUL-terminated */
} tickmlp_client_error;

/* Hot path. Thread-safe. A static text, never NULL; "unknown" outside the enumeration. */
TICKMLP_API const char* tickmlp_client_status_name(tickmlp_client_status status);

/* A connection and its ring. Thread-compatible: one thread at a time; threads have clients of their own. */
typedef struct tickmlp_client tickmlp_client;

/* Zero-initialise; every zero is the default. The ring takes 4 * slots * (input_floats + output_floats) bytes of memory
 * and a little; the server says how many it grants (4 MiB where it was not told otherwise). */
typedef struct tickmlp_client_options {
  uint32_t slots;         /* requests in flight, 1 .. TICKMLP_CLIENT_SLOTS; 0: 4 */
  uint32_t input_floats;  /* room of one request: states * inputs; 0: 8,192 */
  uint32_t output_floats; /* room of one answer: states * outputs; 0: 2,048 */
  uint64_t connect_ns;    /* longest wait for the server's welcome; 0: 1 s */
} tickmlp_client_options;

/* Load time, about 200 us. Thread-safe. Connects to the socket at `path` (107 bytes at most), which must be a server's
 * that runs as the same user, and maps a ring. options may be NULL. *client is the caller's, for
 * tickmlp_client_close(). Errors: BAD_ARGUMENT, OUT_OF_MEMORY, NO_SERVER, REFUSED, DEADLINE. */
TICKMLP_API tickmlp_client_status tickmlp_client_open(const char* path, const tickmlp_client_options* options,
                                                      tickmlp_client** client, tickmlp_client_error* error);
/* Load time. Gives the ring and the descriptor back; requests in flight are forgotten. NULL is allowed. */
TICKMLP_API void tickmlp_client_close(tickmlp_client* client);

typedef struct tickmlp_client_model {
  uint32_t handle;                      /* for requests; keeps its meaning when the server comes again */
  uint32_t inputs, outputs;             /* floats of one state */
  uint64_t generation;                  /* that is current now; each answer names its own */
  uint32_t window_rows, window_columns; /* of its window; 0: it has none */
  uint32_t arms;                        /* of a split; 0: it is a model */
} tickmlp_client_model;

/* Load time, about 50 us. The handle of a model, or of a split (`tickmlp serve --split`), by name;
 * `generation` 0 follows the current one, else that version of it. Asked again for the same, the handle is the same and
 * the figures are new. Errors: BAD_ARGUMENT (also more than TICKMLP_CLIENT_MODELS), SERVER_GONE, DEADLINE, NO_MODEL,
 * NO_VERSION. */
TICKMLP_API tickmlp_client_status tickmlp_client_find(tickmlp_client* client, const char* name, uint64_t generation,
                                                      uint64_t deadline_ns, tickmlp_client_model* out,
                                                      tickmlp_client_error* error);
/* Load time, about 50 us. Name of the server's model or split number 0, 1, 2 ... in `name`, TICKMLP_CLIENT_NAME_BYTES
 * of them. Errors: BAD_ARGUMENT, SERVER_GONE, DEADLINE, NO_MODEL (there are no more). */
TICKMLP_API tickmlp_client_status tickmlp_client_list(tickmlp_client* client, uint32_t index, uint64_t deadline_ns,
                                                      char* name, tickmlp_client_error* error);

/* Load time, about 50 us. The model behind arm 0, 1, 2 ... of a split (behind arm 0 of a model: itself) in `name`,
 * TICKMLP_CLIENT_NAME_BYTES of them. A server that was started with other options has other arms: ask again after
 * SERVER_GONE. Errors: BAD_ARGUMENT, SERVER_GONE, DEADLINE, NO_MODEL (no such arm). */
TICKMLP_API tickmlp_client_status tickmlp_client_arm(tickmlp_client* client, uint32_t handle, uint32_t arm,
                                                     uint64_t deadline_ns, char* name, tickmlp_client_error* error);
/* Hot path. Thread-safe. A split's key out of a text, as HTTP's Tickmlp-Key is read: a whole number below 2^64 is
 * itself, any other text its 64-bit FNV-1a hash. 0 for NULL. */
TICKMLP_API uint64_t tickmlp_client_key(const char* text);

typedef struct tickmlp_client_answer {
  uint64_t generation;   /* of the model that answered; 0 where none did */
  uint32_t failed_state; /* NON_FINITE_*: the first state that it is about */
  uint32_t arm;          /* of a split: which of its models answered, for tickmlp_client_arm() */
} tickmlp_client_answer;

/* Hot path. `states` inputs [states][inputs] to outputs [states][outputs], in one request; they may overlap. Waits for
 * the answer `deadline_ns` at most, counted from the call. answer may be NULL. Errors: BAD_ARGUMENT, SERVER_GONE,
 * DEADLINE, SLOTS_BUSY, TOO_LARGE, NO_MODEL, NO_VERSION, MODEL_CHANGED, NON_FINITE_INPUT, NON_FINITE_OUTPUT,
 * UNAVAILABLE, SERVER_ERROR, KEY_EXPECTED (the model is a split). */
TICKMLP_API tickmlp_client_status tickmlp_client_infer(tickmlp_client* client, uint32_t handle, const float* inputs,
                                                       size_t states, float* outputs, uint64_t deadline_ns,
                                                       tickmlp_client_answer* answer);

/* Hot path. The same with a key (an instrument, a client), which chooses a split's model: the same one for the same key
 * on every transport; for what is no split it is ignored. The answer says which arm. `inputs` [states][inputs], outputs
 * [states][outputs]; answer may be NULL. Errors: those of infer but KEY_EXPECTED; UNAVAILABLE also where the arm's
 * model is not served. */
TICKMLP_API tickmlp_client_status tickmlp_client_infer_keyed(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                             const float* inputs, size_t states, float* outputs,
                                                             uint64_t deadline_ns, tickmlp_client_answer* answer);

/* ---- Several requests in flight: infer in two halves. ---- */
/* Hot path. Puts a request of inputs [states][inputs] into a free slot and returns at once; *ticket is for
 * tickmlp_client_receive(). The server answers a client's requests in no promised order. Errors: BAD_ARGUMENT,
 * SERVER_GONE, SLOTS_BUSY, TOO_LARGE, MODEL_CHANGED, NO_MODEL. */
TICKMLP_API tickmlp_client_status tickmlp_client_send(tickmlp_client* client, uint32_t handle, const float* inputs,
                                                      size_t states, uint64_t* ticket);
/* Hot path. The same with a key, as tickmlp_client_infer_keyed(): `inputs` [states][inputs]. Errors:
 * BAD_ARGUMENT, SERVER_GONE, SLOTS_BUSY, TOO_LARGE, MODEL_CHANGED. */
TICKMLP_API tickmlp_client_status tickmlp_client_send_keyed(tickmlp_client* client, uint32_t handle, uint64_t key,
                                                            const float* inputs, size_t states, uint64_t* ticket);
/* Hot path. Waits for the answer to a ticket, `deadline_ns` at most (0: looks once), and writes outputs
 * [states][outputs], of the request's states. Ends the ticket, but for DEADLINE: then it may be asked for again.
 * answer may be NULL. Errors: BAD_ARGUMENT, SERVER_GONE (the request is lost), DEADLINE, NO_MODEL, NO_VERSION,
 * MODEL_CHANGED, NON_FINITE_INPUT, NON_FINITE_OUTPUT, UNAVAILABLE, SERVER_ERROR, KEY_EXPECTED; of a window's tick also
 * WINDOW_EMPTY. */
TICKMLP_API tickmlp_client_status tickmlp_client_receive(tickmlp_client* client, uint64_t ticket, float* outputs,
                                                         uint64_t deadline_ns, tickmlp_client_answer* answer);
/* Hot path. Gives a ticket up: its slot is free again once the server is through with it. An unknown ticket is
 * ignored. */
TICKMLP_API void tickmlp_client_forget(tickmlp_client* client, uint64_t ticket);

#include "tickmlp_client_window.h"

#ifdef __cplusplus
}
#endif
#endif
