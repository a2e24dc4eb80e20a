/* SPDX-License-Identifier: Apache-2.0 */
/* A new model for a running thread: one thread infers all the time, another one loads and publishes, and no inference
 * waits. C99 and POSIX threads.
 *
 * Run: ./hot_swap weights/tactical-int8.blob 50 100
 *
 * The numbers are publications, and publications a second. It publishes the same file again and again, as rollbacks; a
 * host publishes each new generation once. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tickmlp.h>
#include <time.h>

static tickmlp_swap* slot;
static tickmlp_clock cpu_clock;
static int stop; /* written by main, read by the reader, both atomically */

struct reading {
  tickmlp_recorder all, first; /* every call; those that met a new model */
  uint64_t wrong, publications;
  tickmlp_status status;
};

/* The hot thread. Per input: take, infer. Nothing here locks, waits, allocates or frees for a new model. */
static void* read_all_the_time(void* given) {
  struct reading* reading = given;
  tickmlp_reader* reader = NULL;
  float output[256]; /* 16 heads of 16 outputs are the most that there can be */
  uint64_t turn = 0, last = 0;
  reading->status = tickmlp_reader_create(slot, NULL, "desk-1", &reader, NULL);
  if (reading->status != TICKMLP_OK) return NULL;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    const uint64_t begin = tickmlp_clock_begin();
    const tickmlp_held* held = tickmlp_reader_take(reader); /* the current model, whole, until the next take */
    const tickmlp_model_info* info = tickmlp_model_describe(held->model);
    const float *inputs, *golden;
    const uint32_t vectors = tickmlp_model_golden(held->model, &inputs, &golden), v = (uint32_t)(turn++ % vectors);
    tickmlp_infer(held->session, inputs + (size_t)v * info->inputs, info->inputs, output, info->outputs);
    const uint64_t ns = tickmlp_clock_ns(&cpu_clock, tickmlp_clock_end() - begin);
    tickmlp_recorder_record(&reading->all, ns);
    if (held->number != last) { /* here a host with a window resets held->window with its own rows */
      tickmlp_recorder_record(&reading->first, ns);
      reading->publications += 1;
    }
    last = held->number;
    if (memcmp(output, golden + (size_t)v * info->outputs, info->outputs * sizeof(float)) != 0) reading->wrong += 1;
  }
  tickmlp_reader_free(reader); /* a reader that only pauses calls tickmlp_reader_release() before it sleeps */
  return NULL;
}

static tickmlp_model* load(const char* path) {
  tickmlp_model* model = NULL;
  tickmlp_error error;
  if (tickmlp_model_load(path, NULL, &model, &error) == TICKMLP_OK) return model;
  fprintf(stderr, "%s: %s: %s\n", path, tickmlp_status_name(error.status), error.message);
  exit(4);
}

static void show(const char* what, const tickmlp_recorder* r) {
  printf("%-28s %9llu calls  p50 %6llu  p99 %6llu  p99.9 %6llu  max %8llu ns\n", what, (unsigned long long)r->count,
         (unsigned long long)tickmlp_recorder_percentile(r, 1, 2),
         (unsigned long long)tickmlp_recorder_percentile(r, 99, 100),
         (unsigned long long)tickmlp_recorder_percentile(r, 999, 1000), (unsigned long long)r->maximum);
}

int main(int count, char** words) {
  const long publications = count > 2 ? atol(words[2]) : 200, per_second = count > 3 ? atol(words[3]) : 100;
  static struct reading reading; /* two recorders of 26 KB */
  tickmlp_recorder_reset(&reading.all);
  tickmlp_recorder_reset(&reading.first);
  tickmlp_error error;
  pthread_t thread;
  if (count < 2 || publications < 1 || per_second < 1) {
    fprintf(stderr, "usage: hot_swap MODEL.blob [PUBLICATIONS [PER_SECOND]]\n");
    return 2;
  }
  tickmlp_model* first = load(words[1]);
  if (tickmlp_clock_calibrate(&cpu_clock, &error) != TICKMLP_OK ||
      tickmlp_swap_create(first, NULL, &slot, &error) != TICKMLP_OK) { /* the slot owns the model from here on */
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  if (pthread_create(&thread, NULL, read_all_the_time, &reading) != 0) return 1;

  /* The publisher: any thread that is not a hot one. */
  const struct timespec pause = {per_second == 1 ? 1 : 0, 1000000000 / per_second % 1000000000};
  const tickmlp_publish_options again = {1};
  long refused = 0;
  for (long i = 0; i < publications; ++i) {
    nanosleep(&pause, NULL);
    tickmlp_model* next = load(words[1]);
    if (tickmlp_swap_publish(slot, next, &again, &error) == TICKMLP_OK) continue;
    fprintf(stderr, "%s: %s\n", tickmlp_status_name(error.status), error.message); /* the last good one goes on */
    tickmlp_model_free(next);
    refused += 1;
  }
  nanosleep(&pause, NULL);
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  pthread_join(thread, NULL);
  show("all calls", &reading.all);
  show("the first of each model", &reading.first);
  printf("%llu models seen, %ld publications refused, %llu wrong outputs\n", (unsigned long long)reading.publications,
         refused, (unsigned long long)reading.wrong);
  tickmlp_swap_free(slot);
  return reading.status != TICKMLP_OK || reading.wrong != 0;
}
