/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: figures of a running process, for Prometheus. Plain C; the same rules.
 *
 * A hot thread records each call's nanoseconds into its own recorder and knows nothing of this. A housekeeping thread
 * of the host, on another core, calls tickmlp_monitor_publish() every few seconds: it copies recorders and counters
 * while they are being written, and replaces a file that the node exporter's textfile collector reads. The library
 * starts no thread for it. docs/monitoring/ has the alert rules, a dashboard and what each figure means. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_MONITOR_H)
#define TICKMLP_MONITOR_H

/* What one hot thread runs. Everything is the host's and must live as long as the monitor uses it. The texts become
 * label values, so keep them few and lasting; they are escaped, and bytes that are no UTF-8 become U+FFFD. */
typedef struct tickmlp_monitor_source {
  const tickmlp_model* model;       /* labels: name, generation, kernel */
  const tickmlp_recorder* recorder; /* that thread's */
  const tickmlp_session* session;   /* whose counters are published: the sum over those that are not NULL */
  const tickmlp_window* window;
  const tickmlp_sparse* sparse;
  const tickmlp_team* team;
  const char* path; /* label: "full", "tick", or a word of the host's */
  int core;         /* label: where that thread is pinned; below 0: "any" */
} tickmlp_monitor_source;

/* One source, as last seen. Zero-initialise it at first, and again when the source gets another recorder. */
typedef struct tickmlp_snapshot {
  tickmlp_recorder total;    /* since the recorder was reset */
  tickmlp_recorder interval; /* since the snapshot before; all of it in the first */
  tickmlp_counters counters;
  uint64_t taken_ns;    /* CLOCK_REALTIME, since 1970 */
  uint64_t steady_ns;   /* CLOCK_MONOTONIC */
  uint64_t interval_ns; /* since the snapshot before; 0 in the first */
} tickmlp_snapshot;

/* Enough for a source's text in either form when `process` and `path` have 64 bytes at most. */
#define TICKMLP_MONITOR_SOURCE_BYTES 49152

/* Thread-compatible: one housekeeping thread. All memory is the caller's. No two sources may have the same model,
 * generation, kernel, core and path, and no two processes of a machine the same name: Prometheus refuses such twins. */
typedef struct tickmlp_monitor {
  const char* process;                   /* label: the host's name for itself, "desk-3" */
  const tickmlp_monitor_source* sources; /* [source_count] */
  tickmlp_snapshot* snapshots;           /* [source_count] */
  size_t source_count;
  char* buffer; /* [capacity] for publish(); source_count * TICKMLP_MONITOR_SOURCE_BYTES and more */
  size_t capacity;
  const char* textfile; /* publish() writes the Prometheus text here, a name that ends in .prom; NULL: not at all */
  const char* json;     /* and the same as JSON here; NULL: not at all */
} tickmlp_monitor;

/* Takes a snapshot of every source, wait-free for its threads; 12 us each. Where a recorder holds less than at the
 * last snapshot, because its thread was stopped and it was reset, the interval is what it holds now. Load time (two
 * readings of the system's clocks). Errors: BAD_ARGUMENT, nothing taken (NULL where it is not allowed). */
TICKMLP_API tickmlp_status tickmlp_monitor_snapshot(const tickmlp_monitor* monitor, tickmlp_error* error);

/* Load time, 40 us a source. The last snapshots as Prometheus text (exposition format 0.0.4). Allocates nothing.
 * Returns the bytes of the text without its NUL; where that is not below `capacity` it did not fit, and buffer[0] is
 * NUL. (NULL, 0) asks for the size. 0: an argument is NULL. Locale-independent. */
TICKMLP_API size_t tickmlp_monitor_prometheus(const tickmlp_monitor* monitor, char* buffer, size_t capacity);
/* Load time, 40 us a source. The same as one JSON object. */
TICKMLP_API size_t tickmlp_monitor_json(const tickmlp_monitor* monitor, char* buffer, size_t capacity);

/* Load time (writes and syncs a file: milliseconds). Thread-safe. Makes `text` the whole content of `path`: a new file
 * beside it of a unique name that does not end in .prom, mode 0644, fsync, rename. Readers see the old text or the new
 * one. On failure the old file stays and nothing else is left. Errors: BAD_ARGUMENT, FILE_CREATE, FILE_WRITE,
 * FILE_RENAME. */
TICKMLP_API tickmlp_status tickmlp_monitor_write(const char* path, const char* text, size_t bytes,
                                                 tickmlp_error* error);

/* What a housekeeping thread calls every N seconds: snapshot, text, file; JSON, file. Load time. After a failure the
 * next call tries again, and its interval begins at the snapshot of this one. Errors: those above, and BUFFER_SIZE
 * (with the bytes that are needed; that file keeps its old text). */
TICKMLP_API tickmlp_status tickmlp_monitor_publish(const tickmlp_monitor* monitor, tickmlp_error* error);

#endif
