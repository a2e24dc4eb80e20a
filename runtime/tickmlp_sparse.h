/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: sparse updates. Plain C; the same rules.
 *
 * A caller that knows which inputs changed gives those alone: update() corrects the layer-1 sums for them, whichever
 * they are and in any order. int8 only: the sums are integers, so that after any number of updates every output equals
 * tickmlp_infer() over all inputs as they are then, bit for bit. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_SPARSE_H)
#define TICKMLP_SPARSE_H

/* The inputs, their sums and the scratch of one thread. Thread-compatible. */
typedef struct tickmlp_sparse tickmlp_sparse;

/* Load time; allocates everything. The model must outlive it. options may be NULL. Errors: BAD_ARGUMENT, OUT_OF_MEMORY,
 * NO_SPARSE (a float32 model: a lane is one chain of rounded sums there, which cannot be corrected to the bit). */
TICKMLP_API tickmlp_status tickmlp_sparse_create(const tickmlp_model* model, const tickmlp_session_options* options,
                                                 tickmlp_sparse** sparse, tickmlp_error* error);
TICKMLP_API void tickmlp_sparse_free(tickmlp_sparse* sparse); /* Load time. NULL is allowed. */

/* Hot path, about the cost of an update of all inputs. Takes all of them from `state` [inputs] floats, which is copied.
 * Errors: BAD_ARGUMENT, INPUT_COUNT, MISALIGNED, NON_FINITE_INPUT; then the object is as it was. */
TICKMLP_API tickmlp_status tickmlp_sparse_reset(tickmlp_sparse* sparse, const float* state, size_t count);

/* Hot path. Input indices[k] is values[k] from now on, for k = 0 .. count - 1, 0-based, in any order; where an index
 * stands twice, the last one wins. All other inputs stay. Output [outputs] floats, which may overlap the values.
 * count 0 is allowed (then both arrays may be NULL): the same outputs again. At most as many as the model has inputs.
 * Cost: a handful costs about as much as a tick of the window, and then it grows with the number of groups of four
 * inputs (0-3, 4-7 ...) in which a code really changes. Tactical model, AVX-512 VNNI, Zen 4: 1 input 125 ns, 7 in one
 * row 151, 7 scattered 184 (a tick 122); level with tickmlp_infer() at about 75 scattered inputs of 420; all 2.4 times
 * as much as it. Where most inputs change, call tickmlp_infer().
 * Errors: BAD_ARGUMENT, INPUT_COUNT (count above the model's inputs), INPUT_INDEX, OUTPUT_COUNT, MISALIGNED,
 * NON_FINITE_INPUT (any of the values), NON_FINITE_OUTPUT, SPARSE_EMPTY (no reset yet); then nothing is written and the
 * object is as it was. */
TICKMLP_API tickmlp_status tickmlp_sparse_update(tickmlp_sparse* sparse, const uint32_t* indices, const float* values,
                                                 size_t count, float* output, size_t output_count);

/* Hot path. inferences: updates that gave an output; clipped and flushed: of each value when it came in.
 * Thread-safe, as tickmlp_session_counters(). */
TICKMLP_API void tickmlp_sparse_counters(const tickmlp_sparse* sparse, tickmlp_counters* out);

#endif
