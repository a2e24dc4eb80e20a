/* SPDX-License-Identifier: Apache-2.0 */
/* tickmlp: inference of tiny 2-layer networks, the same bits on every CPU. The whole public interface, plain C.  Rules
 * that hold for every function: - Nothing here prints, exits, aborts, throws, or changes signal handlers or the host's
 * allocator. - A failing function returns a named status. Where it takes `error`, that (may be NULL) receives a
 * sentence that says what was seen and what was expected. Outputs are untouched on failure. - "thread-safe": may be
 * called from any threads at once on the same object. "thread-compatible": one thread at a time for each object;
 * different objects are independent. - Cost class "load time": may allocate, lock, read files. "hot path": no
 * allocation, lock or system call. - What a caller passes in stays the caller's and is not kept after the call, unless
 * it says so. What a call creates is given back with its own _free(). - Floats are IEEE binary32 and aligned to 4
 * bytes, like indices. Matrices are row-major and dense. */
#ifndef TICKMLP_H
#define TICKMLP_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define TICKMLP_API __attribute__((visibility("default")))
#define TICKMLP_VERSION "0.1.0"

#include "tickmlp_status.h" /* every way a call can end */

typedef struct tickmlp_error {
  tickmlp_status status;
  char message[248]; /* one line, NUL-terminated */
} tickmlp_error;

typedef enum tickmlp_element_type { TICKMLP_INT8 = 1, TICKMLP_FLOAT32 = 2 } tickmlp_element_type;
typedef enum tickmlp_activation { TICKMLP_IDENTITY = 0, TICKMLP_SOFTMAX = 1 } tickmlp_activation;

/* Hot path. Thread-safe. A static text, never NULL: "blob-digest"; "unknown" outside the enumeration. */
TICKMLP_API const char* tickmlp_status_name(tickmlp_status status);
/* Hot path. Thread-safe. TICKMLP_VERSION of the library that is linked: a static text. */
TICKMLP_API const char* tickmlp_version(void);

/* ---- Kernels: the one table. Thread-safe; the first call probes the CPU once (load time). ---- */
typedef struct tickmlp_kernel_info {
  const char* name; /* "int8-avx512vnni": what `kernel` in the load options takes */
  const char* isa;  /* what the CPU must offer, in words */
  tickmlp_element_type type;
  int available; /* on this CPU */
  int chosen;    /* what a load without a kernel name takes for this type */
} tickmlp_kernel_info;
/* Load time. Thread-safe. How many kernels the table of this build has. */
TICKMLP_API size_t tickmlp_kernel_count(void);
/* Load time. Thread-safe. Entry 0 .. tickmlp_kernel_count() - 1 of the table; its texts are static. Errors:
 * BAD_ARGUMENT (no such entry, or NULL). */
TICKMLP_API tickmlp_status tickmlp_kernel_get(size_t index, tickmlp_kernel_info* out);

/* ---- Model: immutable once loaded; thread-safe; must outlive its sessions. ---- */
typedef struct tickmlp_model tickmlp_model;

/* Memory for handles and scratch. allocate returns `bytes` aligned to 16, or NULL. Weights never come from here. */
typedef struct tickmlp_allocator {
  void* (*allocate)(void* context, size_t bytes);
  void (*release)(void* context, void* memory);
  void* context;
} tickmlp_allocator;

typedef enum tickmlp_load_mode {
  TICKMLP_COPY = 0,  /* weights copied to private, prefaulted, read-only memory, locked and on a huge page where the box
                        allows; the file may change or vanish afterwards */
  TICKMLP_MAPPED = 1 /* weights read from the shared file mapping, to share pages between processes. Whoever truncates
                        the file kills the readers with SIGBUS; whoever overwrites it changes their weights */
} tickmlp_load_mode;

/* Zero-initialise; every zero is the default. */
typedef struct tickmlp_load_options {
  const char* kernel; /* NULL: the best available for the blob's type */
  tickmlp_load_mode mode;
  int require_locked;                 /* refuse with TICKMLP_NOT_LOCKED instead of degrading */
  const tickmlp_allocator* allocator; /* NULL: malloc and free; copied, its context must outlive the model */
} tickmlp_load_options;

/* Load time, below 1 ms for the bundled models. Thread-safe. Opens `path` once, checks, verifies, copies, runs the
 * golden vectors. options may be NULL. *model is the caller's, for tickmlp_model_free(). Errors: BAD_ARGUMENT,
 * OUT_OF_MEMORY, FILE_OPEN, FILE_KIND, FILE_SIZE, FILE_WRITABLE, FILE_READ, BLOB_* (docs/BLOB_FORMAT.md has each),
 * KERNEL_UNKNOWN, KERNEL_UNAVAILABLE, KERNEL_TYPE, NOT_LOCKED (only where it is required). */
TICKMLP_API tickmlp_status tickmlp_model_load(const char* path, const tickmlp_load_options* options,
                                              tickmlp_model** model, tickmlp_error* error);
/* Load time. Thread-safe. The same from `count` bytes that the caller holds (any alignment; not kept; always
 * copied). Errors: BAD_ARGUMENT, OUT_OF_MEMORY, FILE_SIZE, BLOB_*, KERNEL_UNKNOWN, KERNEL_UNAVAILABLE, KERNEL_TYPE,
 * NOT_LOCKED. */
TICKMLP_API tickmlp_status tickmlp_model_load_bytes(const void* bytes, size_t count,
                                                    const tickmlp_load_options* options, tickmlp_model** model,
                                                    tickmlp_error* error);
/* Load time. Thread-compatible: when nobody uses the model any more. NULL is allowed; no session, window, sparse object
 * or team of it may be left. */
TICKMLP_API void tickmlp_model_free(tickmlp_model* model);

typedef struct tickmlp_head_info {
  const char* name;
  uint32_t hidden, outputs, output_begin; /* hidden: real units; output_begin: index of its first output */
  tickmlp_activation activation;
  float clamp_low, clamp_high; /* clamp_high is +infinity for plain ReLU */
  double largest_error, mean_error, argmax_agreement, argmax_low, argmax_high, output_magnitude;
} tickmlp_head_info;

typedef enum tickmlp_lock { TICKMLP_UNLOCKED = 0, TICKMLP_LOCKED_PAGES = 1, TICKMLP_LOCKED_HUGE_PAGE = 2 } tickmlp_lock;

typedef struct tickmlp_model_info {
  const char *name, *run_id, *exporter, *kernel;
  tickmlp_element_type type;
  uint32_t inputs, outputs, heads, lanes; /* lanes: hidden units of all heads, each head padded to 16 */
  uint32_t window_rows, window_columns;   /* 0 without a window */
  uint32_t feature_count;
  uint64_t generation, structure_hash, blob_bytes, weight_bytes, accuracy_states, clipped_inputs;
  uint8_t blob_sha256[32], source_sha256[32], calibration_sha256[32];
  tickmlp_lock lock;    /* what was got; TICKMLP_MAPPED gives TICKMLP_UNLOCKED */
  int owned_by_other;   /* the file belongs to a user who is neither this one nor root */
  const void* weights;  /* both layers, weight_bytes of them, 64-byte aligned: for memory floors */
  uint32_t kept_inputs; /* below `inputs` where the model is pruned: how many have weights. No other input has any
                           influence, but each is given, and has to be finite */
} tickmlp_model_info;

/* Hot path. What the model says of itself, valid until it is freed; NULL for NULL. */
TICKMLP_API const tickmlp_model_info* tickmlp_model_describe(const tickmlp_model* model);
/* Hot path. Head 0 .. heads - 1; its name is valid until the model is freed. Errors: BAD_ARGUMENT. */
TICKMLP_API tickmlp_status tickmlp_model_head(const tickmlp_model* model, uint32_t head, tickmlp_head_info* out);
/* Hot path. Feature 0 .. feature_count - 1: its name ("" where the blob has none; valid until the model is freed) and
 * the range that it was calibrated for (one float each in *low and *high), in the feature's own unit. Errors:
 * BAD_ARGUMENT. */
TICKMLP_API tickmlp_status tickmlp_model_feature(const tickmlp_model* model, uint32_t feature, const char** name,
                                                 float* low, float* high);
/* Hot path. Returns the number of golden vectors: *inputs [count][inputs] and *outputs [count][outputs] floats,
 * valid until the model is freed; 0 where an argument is NULL. */
TICKMLP_API uint32_t tickmlp_model_golden(const tickmlp_model* model, const float** inputs, const float** outputs);

/* ---- Session: the scratch of one thread. Thread-compatible. ---- */
typedef struct tickmlp_session tickmlp_session;

typedef enum tickmlp_non_finite {
  TICKMLP_STRICT = 0, /* NaN or infinity in: TICKMLP_NON_FINITE_INPUT, nothing written */
  TICKMLP_FLUSH = 1   /* NaN becomes 0, infinities the largest float; counted */
} tickmlp_non_finite;

typedef struct tickmlp_session_options {
  tickmlp_non_finite non_finite;
  int promise_default_float_environment; /* the caller guarantees round-to-nearest, no FTZ/DAZ: saves about 6 ns */
} tickmlp_session_options;

/* Load time; allocates all scratch. The model must outlive it. options may be NULL. Errors: BAD_ARGUMENT,
 * OUT_OF_MEMORY. */
TICKMLP_API tickmlp_status tickmlp_session_create(const tickmlp_model* model, const tickmlp_session_options* options,
                                                  tickmlp_session** session, tickmlp_error* error);
TICKMLP_API void tickmlp_session_free(tickmlp_session* session); /* Load time. NULL is allowed. */

/* Hot path. One state: input [input_count] floats, any alignment that a float has, never read beyond its end; output
 * [output_count] floats, may overlap the input. Heads in order, softmax probabilities or the value.
 * Errors: BAD_ARGUMENT, INPUT_COUNT, OUTPUT_COUNT, MISALIGNED, NON_FINITE_INPUT, NON_FINITE_OUTPUT.
 * Specification: docs/ARITHMETIC.md, kernels/scalar.cc and scalar_heads.cc. */
TICKMLP_API tickmlp_status tickmlp_infer(tickmlp_session* session, const float* input, size_t input_count,
                                         float* output, size_t output_count);
/* Hot path. `states` inputs [states][inputs] to outputs [states][outputs], floats, 4-byte aligned, which must not
 * overlap. Stops at the first state that fails; *done (may be NULL) says how many were written. Errors: BAD_ARGUMENT,
 * MISALIGNED, NON_FINITE_INPUT, NON_FINITE_OUTPUT. */
TICKMLP_API tickmlp_status tickmlp_infer_batch(tickmlp_session* session, const float* inputs, size_t states,
                                               float* outputs, size_t* done);
typedef struct tickmlp_counters {
  uint64_t inferences; /* that gave an output */
  uint64_t refused;    /* non-finite input or output */
  uint64_t clipped;    /* input elements outside the calibrated range (int8); never one that was pruned */
  uint64_t flushed;    /* input elements changed in flush mode */
} tickmlp_counters;
/* Hot path. Thread-safe, also while another thread uses the session: each counter is a number that it had. */
TICKMLP_API void tickmlp_session_counters(const tickmlp_session* session, tickmlp_counters* out);
#include "tickmlp_window.h"  /* the tick path */
#include "tickmlp_touch.h"   /* keeping a quiet model in the caches */
#include "tickmlp_sparse.h"  /* updates of any few inputs */
#include "tickmlp_team.h"    /* one inference on several cores */
#include "tickmlp_measure.h" /* recorder, clock and pinning */
#include "tickmlp_swap.h"    /* a new model for running readers */
#include "tickmlp_split.h"   /* which of several models answers */
#include "tickmlp_shadow.h"  /* a model that answers too, and is only watched */
#include "tickmlp_monitor.h" /* the same for Prometheus, from a running process */
#ifdef __cplusplus
}
#endif
#endif
