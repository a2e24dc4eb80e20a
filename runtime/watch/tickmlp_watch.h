/* SPDX-License-Identifier: Apache-2.0 */
/* New weights from a published folder, into running readers. Plain C; the rules at the top of tickmlp.h hold.
 *
 * A folder holds blobs named NAME-GENERATION-SHA8.blob, and `current`, one line that names one of them. A watch looks
 * at `current` outside the hot threads. What it names is read once, checked (name, digest, signature, every check of a
 * load, golden vectors, drift from the running model) and published to a slot; or it is refused by name, and the last
 * good model stays. docs/WATCHING.md has an example, and each refusal with its cause and its mend.
 *
 * A library of its own, libtickmlp-watch (pkg-config: tickmlp-watch), since it brings libsodium for signatures. */
#ifndef TICKMLP_WATCH_H
#define TICKMLP_WATCH_H
#include "tickmlp.h"
#ifdef __cplusplus
extern "C" {
#endif

#define TICKMLP_WATCH_FILE_BYTES 128 /* of a published blob's file name, with its NUL */

/* Thread-safe but for its end. Load time, all of it. */
typedef struct tickmlp_watch tickmlp_watch;

/* The largest drift that is taken, over the golden inputs of both models (16 states). Zero or below: no limit. */
typedef struct tickmlp_drift_limits {
  double probability; /* largest difference of one probability (a softmax head's output), in probability */
  double value;       /* largest difference of one value (an identity head's output), as a share of the largest
                         magnitude that either model gives to that head there */
  double argmax;      /* least share of the states in which a softmax head's argmax agrees, 0 .. 1; the head that agrees
                         least counts */
} tickmlp_drift_limits;

/* What was seen, in the units of the limits. */
typedef struct tickmlp_drift {
  uint32_t states; /* that were compared; 0: nothing was running, or it came to no comparison */
  double probability, value, argmax;
} tickmlp_drift;

typedef enum tickmlp_watch_event {
  TICKMLP_WATCH_SAME = 0,   /* nothing new. error.status: TICKMLP_OK, or the refusal that stands */
  TICKMLP_WATCH_TAKEN = 1,  /* a model was published to the slot, or handed to the caller */
  TICKMLP_WATCH_REFUSED = 2 /* reported once; the last good model stays */
} tickmlp_watch_event;

/* One look. A plain struct, to be copied. */
typedef struct tickmlp_watch_report {
  tickmlp_watch_event event;
  tickmlp_error error;                 /* status TICKMLP_OK and "" where nothing is refused */
  char file[TICKMLP_WATCH_FILE_BYTES]; /* what `current` names; "" where it could not be read */
  uint64_t generation;                 /* of that file, by its name; 0 likewise */
  uint64_t running;                    /* the generation in the slot after this look; 0 without a slot */
  int rollback;                        /* `current` asks for a rollback */
  int has_signature;                   /* the signature was checked, and is good */
  tickmlp_drift drift;
  uint64_t looked_at_ns;          /* CLOCK_REALTIME, since 1970 */
  uint64_t took_ns;               /* the look, from begin to end */
  uint64_t looks, taken, refused; /* counts of this watch so far, this look included */
} tickmlp_watch_report;

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_watch_options {
  tickmlp_swap* swap;               /* the slot to publish to; must outlive the watch, and nobody else may publish to
                                       it. tickmlp_watch_load_current() does not use it */
  const tickmlp_load_options* load; /* NULL: the defaults. Copied; its kernel name and allocator must outlive the watch.
                                       The weights are always copied: mode must be TICKMLP_COPY */
  const char* public_key;           /* minisign's, the line of 56 characters ("RW..."): what is unsigned or wrongly
                                       signed is refused. NULL: signatures are not looked at. Not kept */
  tickmlp_drift_limits drift;
  uint64_t least_generation; /* older ones are refused, also as a rollback and at the start */
  int forbid_rollback;       /* refuse every rollback */
  /* Called by the thread that looks, after a look that took or refused something, and after the first one that finds a
   * refusal gone without taking anything (TICKMLP_WATCH_SAME). It must not call this watch. NULL: not called. */
  void (*on_report)(void* context, const tickmlp_watch_report* report);
  void* context;
} tickmlp_watch_options;

/* The first model: what `current` names, checked as a watch does. There is no running model, so there is no drift, and
 * any generation from least_generation on will do. Load time, thread-safe. *model is the caller's, untouched on
 * failure. `report` may be NULL; options may be NULL. Returns report->error.status. Errors: BAD_ARGUMENT; those of
 * tickmlp_watch_poll() but DRIFT, OTHER_MODEL and READER_STALLED. */
TICKMLP_API tickmlp_status tickmlp_watch_load_current(const char* folder, const tickmlp_watch_options* options,
                                                      tickmlp_model** model, tickmlp_watch_report* report);

/* A watch over a folder, which need not be there yet: every look says whether it is. The path is copied; a relative one
 * follows the process's working directory. Load time. Errors: BAD_ARGUMENT (a NULL; a mode that is not TICKMLP_COPY;
 * a limit that is not a number, or an argmax above 1; a public key that is none), OUT_OF_MEMORY. Thread-safe. */
TICKMLP_API tickmlp_status tickmlp_watch_create(const char* folder, const tickmlp_watch_options* options,
                                                tickmlp_watch** watch, tickmlp_error* error);
/* Stops its thread, if it has one. The slot stays as it is. NULL is allowed. */
TICKMLP_API void tickmlp_watch_free(tickmlp_watch* watch);

/* One look, for a housekeeping thread of the host's: five system calls where nothing is new; read, check and publish
 * where something is. Load time. Thread-safe (looks take turns). Retired models are collected too. Returns
 * report->error.status; `report` may be NULL. What is refused is not loaded again until `current`, the blob or its
 * signature is another file or was changed; FILE_OPEN, FILE_READ, OUT_OF_MEMORY, NOT_LOCKED and READER_STALLED, which
 * may pass by themselves, are tried again at each look. Errors:
 * FILE_OPEN: the folder, `current` or the blob is missing or may not be read;
 * FILE_KIND, FILE_SIZE, FILE_WRITABLE, FILE_READ: of any of them or of the signature, as for a load; symbolic links in
 *   the folder and a folder that everybody may write to count too;
 * BAD_PUBLICATION: `current` is not one line of the published form, or the blob's name or generation is another than
 *   its file's name says;
 * BLOB_DIGEST: the file's SHA-256 does not begin as its name says: damaged or overwritten after it was published;
 * SIGNATURE_MISSING, SIGNATURE_WRONG: by another key, for other bytes, another name or generation, damaged, or legacy;
 * BLOB_*, KERNEL_*, NOT_LOCKED, OUT_OF_MEMORY: as for a load;
 * OLD_GENERATION: not above the one that is running, and no rollback from it; or below least_generation;
 * DRIFT: over a limit; OTHER_MODEL, READER_STALLED: as for tickmlp_swap_publish();
 * BAD_ARGUMENT: watch is NULL. */
TICKMLP_API tickmlp_status tickmlp_watch_poll(tickmlp_watch* watch, tickmlp_watch_report* report);

/* A thread that looks at once, and then every period_ns (1 ms .. 1 h). It is named "tickmlp-watch", has all signals
 * blocked, ordinary scheduling, and the cores of the thread that calls this: do not start it from a pinned hot thread.
 * Load time. Errors: BAD_ARGUMENT (a NULL, the period, or it has been started already), WATCH_THREAD (no thread could
 * be made). */
TICKMLP_API tickmlp_status tickmlp_watch_start(tickmlp_watch* watch, uint64_t period_ns, tickmlp_error* error);
/* Ends that thread and waits for it: at once, or until the look that it is at has ended. Nothing happens where there is
 * none. Not from on_report. */
TICKMLP_API void tickmlp_watch_stop(tickmlp_watch* watch);

/* The last look that has ended; all zero before the first. Thread-safe; waits for no look. Errors: BAD_ARGUMENT. */
TICKMLP_API tickmlp_status tickmlp_watch_last(const tickmlp_watch* watch, tickmlp_watch_report* report);

#ifdef __cplusplus
}
#endif
#endif
