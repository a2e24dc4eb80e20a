/* SPDX-License-Identifier: Apache-2.0 */
/* Part of tickmlp.h, which includes it: what a call can return. Plain C. */
#ifndef TICKMLP_H
#include "tickmlp.h" /* which includes this file in its place */
#elif !defined(TICKMLP_STATUS_H)
#define TICKMLP_STATUS_H

/* Every way a call can end. tickmlp_status_name() gives the name in lower case, "blob-digest" for instance. */
typedef enum tickmlp_status {
  TICKMLP_OK = 0,
  TICKMLP_BAD_ARGUMENT,      /* the call itself: a NULL or contradictory argument */
  TICKMLP_INPUT_COUNT,       /* not the model's number of inputs */
  TICKMLP_OUTPUT_COUNT,      /* not the model's number of outputs */
  TICKMLP_MISALIGNED,        /* a float or index pointer that is no multiple of 4 */
  TICKMLP_NON_FINITE_INPUT,  /* NaN or infinity among the inputs, in strict mode */
  TICKMLP_NON_FINITE_OUTPUT, /* a logit overflowed float32 */
  TICKMLP_OUT_OF_MEMORY,
  /* The file. */
  TICKMLP_FILE_OPEN,     /* open() failed: missing, no permission, link loop ... */
  TICKMLP_FILE_KIND,     /* not a regular file */
  TICKMLP_FILE_SIZE,     /* empty, or above 256 MiB */
  TICKMLP_FILE_WRITABLE, /* world-writable */
  TICKMLP_FILE_READ,     /* reading or mapping failed, or it changed while being read */
  /* The blob: docs/BLOB_FORMAT.md has each rule. */
  TICKMLP_BLOB_MAGIC,
  TICKMLP_BLOB_VERSION,
  TICKMLP_BLOB_TRUNCATED, /* shorter than its header says */
  TICKMLP_BLOB_TRAILING,  /* longer than its header says */
  TICKMLP_BLOB_DIGEST,
  TICKMLP_BLOB_TYPE,
  TICKMLP_BLOB_LAYOUT,
  TICKMLP_BLOB_DIMENSION,
  TICKMLP_BLOB_RESERVED, /* a reserved or padding byte is not zero */
  TICKMLP_BLOB_TEXT,
  TICKMLP_BLOB_STRUCTURE, /* structure hash differs from the dimensions */
  TICKMLP_BLOB_VALUE,     /* a float that is not finite, a weight of -128, a scale that is not the range's ... */
  TICKMLP_BLOB_BOUND,     /* accumulator bound wrong, or int32 could overflow */
  TICKMLP_BLOB_GOLDEN,    /* the chosen kernel does not give the golden outputs on this CPU */
  /* The box. */
  TICKMLP_KERNEL_UNKNOWN,     /* no kernel of that name in the table */
  TICKMLP_KERNEL_UNAVAILABLE, /* this CPU lacks what the kernel needs */
  TICKMLP_KERNEL_TYPE,        /* the kernel is for the other element type */
  TICKMLP_NOT_LOCKED,         /* require_locked, and the memory could not be locked */
  TICKMLP_NO_WINDOW,          /* the model was exported without a window */
  TICKMLP_WINDOW_EMPTY,       /* tick or advance before the first reset */
  TICKMLP_PIN_FAILED,         /* the core does not exist, is offline or outside the allowed set */
  TICKMLP_INPUT_INDEX,        /* an index that is not below the model's number of inputs */
  TICKMLP_NO_SPARSE,          /* sparse updates of a float32 model */
  TICKMLP_SPARSE_EMPTY,       /* update before the first reset */
  TICKMLP_TEAM_CORE_TWICE,    /* a core stands twice among the members' */
  TICKMLP_TEAM_TOO_LARGE,     /* more cores than groups of 16 lanes, or more members than there may be */
  TICKMLP_TEAM_DEADLINE,      /* not 0 and not within 1 ns .. 1 s */
  TICKMLP_TEAM_THREAD,        /* a member's thread could not be made, or did not run */
  /* Monitoring. */
  TICKMLP_RECORDER_ORDER, /* what is subtracted holds more: not an earlier copy of the same recorder */
  TICKMLP_BUFFER_SIZE,    /* the caller's buffer is smaller than the text */
  TICKMLP_FILE_CREATE,    /* no temporary file could be made beside the target: missing folder, no permission ... */
  TICKMLP_FILE_WRITE,     /* writing or fsync failed: full disk, quota ... */
  TICKMLP_FILE_RENAME,    /* the temporary file could not take the target's place: a folder of that name ... */
  /* Hot swap. */
  TICKMLP_OLD_GENERATION, /* not above the generation that is running, and no rollback */
  TICKMLP_OTHER_MODEL,    /* another name, or other inputs, outputs, window, heads or features than the one running */
  TICKMLP_READER_STALLED, /* too many retired models are still held by a reader */
  TICKMLP_READER_LIMIT,   /* as many readers as a slot can have */
  TICKMLP_STATUS_COUNT
} tickmlp_status;

#endif
