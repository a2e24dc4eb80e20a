/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: which of several models answers for a key. Plain C; the same rules.
 *
 * Integers only: the same key, salt and shares give the same arm on every machine and in every run. docs/AB_SHADOW.md
 * has the formula, for who wants to repeat the choice elsewhere. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_SPLIT_H)
#define TICKMLP_SPLIT_H

#define TICKMLP_SPLIT_ARMS 16     /* most arms */
#define TICKMLP_SPLIT_WHOLE 65536 /* what the shares add up to */

/* Plain data: copy it as you like. Filled by tickmlp_split_make(). */
typedef struct tickmlp_split {
  uint64_t salt;
  uint32_t arms;
  uint32_t ends[TICKMLP_SPLIT_ARMS]; /* where each arm's stretch of 0 .. 65,535 ends; behind the last arm: 65,536 */
} tickmlp_split;

/* `shares` [arms] in parts of 65,536, of which arm 0 gets the first, and so on; an arm may have 0. Another salt gives
 * an independent split of the same keys: one salt an experiment. Load time; thread-compatible. Errors: BAD_ARGUMENT,
 * SPLIT_SHARES (no arm or more than TICKMLP_SPLIT_ARMS, or shares that do not add up to 65,536); then *split is as it
 * was. */
TICKMLP_API tickmlp_status tickmlp_split_make(const uint32_t* shares, size_t arms, uint64_t salt, tickmlp_split* split,
                                              tickmlp_error* error);

/* The arm of a key (an instrument, an order, a client: what must always get the same model). Hot path, 2 ns;
 * thread-safe. Of all 2^64 keys each arm gets exactly its share. Below split->arms always; 0 for NULL. */
TICKMLP_API uint32_t tickmlp_split_choose(const tickmlp_split* split, uint64_t key);

#endif
