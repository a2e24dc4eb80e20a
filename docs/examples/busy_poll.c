/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned thread that polls a feed, scores every new state, and records how long that took. Percentiles at the end.
 * Run: ./busy_poll weights/tactical-int8.blob 0 20000 */
#include <stdio.h>
#include <stdlib.h>
#include <tickmlp.h>

/* The feed of this example: states of zeros with one input that moves, a new one at every third look. Yours reads a
 * ring buffer or a network card. NULL: nothing new. */
typedef struct feed {
  float* state; /* [inputs] */
  uint32_t inputs;
  uint64_t looks;
} feed;

static const float* poll_feed(feed* f) {
  if (++f->looks % 3 != 0) return NULL;
  f->state[f->looks % f->inputs] = (float)(f->looks % 200) / 100.0f - 1.0f; /* within [-1, 1] */
  return f->state;
}

static tickmlp_recorder recorder; /* 26 KB: static or on the heap, rather than on a small stack */

/* The hot loop: nothing in it allocates, locks or enters the kernel. Returns how many states were refused. */
static uint64_t poll_and_score(tickmlp_session* session, const tickmlp_clock* clock, feed* f, float* output,
                               uint32_t outputs, uint64_t states) {
  uint64_t refused = 0;
  for (uint64_t scored = 0; scored < states;) {
    const float* state = poll_feed(f);
    if (state == NULL) continue;
    const uint64_t begin = tickmlp_clock_begin();
    const tickmlp_status status = tickmlp_infer(session, state, f->inputs, output, outputs);
    const uint64_t end = tickmlp_clock_end();
    tickmlp_recorder_record(&recorder, tickmlp_clock_ns(clock, end - begin));
    if (status != TICKMLP_OK) ++refused; /* output still holds the last good state's: do not trade on it */
    ++scored;
  }
  return refused;
}

int main(int count, char** arguments) {
  if (count != 4) return fprintf(stderr, "usage: %s BLOB CORE STATES\n", arguments[0]), 2;
  tickmlp_error error = {TICKMLP_OK, ""};
  tickmlp_model* model = NULL;
  tickmlp_session* session = NULL;
  tickmlp_clock clock;
  /* Load time: whatever may allocate, read or wait happens here. */
  if (tickmlp_pin_thread(atoi(arguments[2]), &error) != TICKMLP_OK ||
      tickmlp_model_load(arguments[1], NULL, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &session, &error) != TICKMLP_OK ||
      tickmlp_clock_calibrate(&clock, &error) != TICKMLP_OK) {
    fprintf(stderr, "%s: %s\n", tickmlp_status_name(error.status), error.message);
    tickmlp_session_free(session);
    tickmlp_model_free(model);
    return 4;
  }
  const tickmlp_model_info* info = tickmlp_model_describe(model);
  feed f = {calloc(info->inputs, sizeof(float)), info->inputs, 0};
  float* output = calloc(info->outputs, sizeof *output);
  if (f.state == NULL || output == NULL) return fprintf(stderr, "out of memory\n"), 1;
  tickmlp_recorder_reset(&recorder);
  for (int i = 0; i < 1000; ++i) tickmlp_session_touch(session); /* warm caches and branch predictors; not counted */

  const uint64_t refused = poll_and_score(session, &clock, &f, output, info->outputs, strtoull(arguments[3], NULL, 10));

  printf("%s on %s: %llu calls, %llu refused; ns: p50 %llu, p99 %llu, p99.9 %llu, max %llu\n", info->name, info->kernel,
         (unsigned long long)recorder.count, (unsigned long long)refused,
         (unsigned long long)tickmlp_recorder_percentile(&recorder, 50, 100),
         (unsigned long long)tickmlp_recorder_percentile(&recorder, 99, 100),
         (unsigned long long)tickmlp_recorder_percentile(&recorder, 999, 1000), (unsigned long long)recorder.maximum);
  free(output);
  free(f.state);
  tickmlp_session_free(session);
  tickmlp_model_free(model);
  return refused == 0 ? 0 : 1;
}
