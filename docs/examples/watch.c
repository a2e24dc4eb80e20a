/* SPDX-License-Identifier: Apache-2.0 */
/* A process that infers all the time and takes new weights from a published folder while it does.
 * cc -std=c99 watch.c -o watch $(pkg-config --cflags --libs --static tickmlp-watch)
 * ./watch FOLDER [PUBLIC_KEY [SECONDS]]      PUBLIC_KEY: minisign's line, RW...; "" for none */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tickmlp_watch.h>

/* Runs on the watch's thread, never on the one that infers. */
static void tell(void* context, const tickmlp_watch_report* report) {
  (void)context;
  if (report->error.status != TICKMLP_OK)
    printf("refused %s: %s: %s\n", report->file, tickmlp_status_name(report->error.status), report->error.message);
  else if (report->event == TICKMLP_WATCH_TAKEN)
    printf("taken %s in %.3f ms\n", report->file, (double)report->took_ns / 1e6);
}

/* What the hot thread does. Real code would read the market here. Returns its inferences, 0: something is wrong. */
static unsigned long infer(tickmlp_reader* reader, time_t end) {
  unsigned long count = 0;
  uint64_t last = 0;
  float output[1024]; /* 16 heads of 64 outputs are the most there can be */
  while (time(NULL) < end) {
    const tickmlp_held* held = tickmlp_reader_take(reader); /* 1 to 2 ns while the model stays */
    const tickmlp_model_info* info = tickmlp_model_describe(held->model);
    const float *input, *golden;
    tickmlp_model_golden(held->model, &input, &golden);
    if (held->number != last) printf("inferring with generation %llu\n", (unsigned long long)held->generation);
    last = held->number;
    if (tickmlp_infer(held->session, input, info->inputs, output, info->outputs) != TICKMLP_OK) return 0;
    ++count;
  }
  tickmlp_reader_release(reader);
  return count;
}

int main(int count, char** words) {
  if (count < 2) {
    fprintf(stderr, "usage: watch FOLDER [PUBLIC_KEY [SECONDS]]\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* lines appear at once, also through a pipe */
  tickmlp_watch_options options = {0};
  options.public_key = count > 2 && words[2][0] != '\0' ? words[2] : NULL;
  options.drift.probability = 0.5; /* a new model may move a probability by 0.5 at most */
  options.on_report = tell;

  tickmlp_model* first = NULL;
  tickmlp_watch_report report;
  if (tickmlp_watch_load_current(words[1], &options, &first, &report) != TICKMLP_OK) {
    tell(NULL, &report);
    return 4;
  }
  tickmlp_error error;
  tickmlp_swap* swap = NULL;
  tickmlp_watch* watch = NULL;
  tickmlp_reader* reader = NULL;
  if (tickmlp_swap_create(first, NULL, &swap, &error) != TICKMLP_OK) return 1; /* the slot owns the model now */
  options.swap = swap;
  if (tickmlp_watch_create(words[1], &options, &watch, &error) != TICKMLP_OK ||
      tickmlp_watch_start(watch, 100 * 1000 * 1000, &error) != TICKMLP_OK || /* a look every 100 ms */
      tickmlp_reader_create(swap, NULL, "hot", &reader, &error) != TICKMLP_OK) {
    fprintf(stderr, "%s: %s\n", tickmlp_status_name(error.status), error.message);
    return 1;
  }
  const unsigned long inferences = infer(reader, time(NULL) + (count > 3 ? atoi(words[3]) : 2));
  tickmlp_reader_free(reader);
  tickmlp_watch_free(watch); /* stops its thread; before the slot that it publishes to */
  tickmlp_swap_free(swap);
  printf("%lu inferences\n", inferences);
  return inferences != 0 ? 0 : 1;
}
