/* SPDX-License-Identifier: Apache-2.0 */
/* A trading process for a day: a pinned thread answers every tick of a replayed market on the tick path, while a watch
 * takes new weights out of a published folder, or refuses them and says why. It ends with SIGINT or SIGTERM, and prints
 * what was taken, what was refused, and its own percentiles.
 * Run: ./trading_day FOLDER ROWS CORE JOURNAL [PUBLIC_KEY]
 *   ROWS     the market: float32 [bars][columns], nothing else in the file; replayed from its beginning to its end,
 *            again and again
 *   JOURNAL  gets some of the answers with what they answered (struct answer), for whoever wants to check them */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tickmlp_watch.h>

#define TICKS_IN_A_BAR 200
#define TICK_NS 10000        /* between two ticks: 100,000 a second */
#define CHECKED_EVERY 50     /* ticks; and the first after each swap: against the full path, and into the journal */
#define KEPT_OF_A_MODEL 5000 /* the first answers after each swap, 2.5 s of them, are kept in the journal */
#define MOST_ANSWERS 100000  /* that it keeps: of 20 models */
#define LOOK_NS 50000000     /* between two looks at the folder */
#define MOST_COLUMNS 16
#define MOST_OUTPUTS 16
#define MOST_GENERATIONS 64
#define DRIFT_PROBABILITY 0.25 /* a new model may differ from the last one by this much, and no more */
#define DRIFT_VALUE 0.5
#define DRIFT_ARGMAX 0.5

typedef struct answer {
  uint64_t generation, bar; /* the window: bars `bar` and on, their last one replaced by `newest` */
  float newest[MOST_COLUMNS], output[MOST_OUTPUTS];
} answer;

static struct desk {
  tickmlp_swap* swap;
  tickmlp_clock clock;
  tickmlp_recorder recorder;
  const float* rows; /* [bars][columns] */
  uint64_t bars;
  int core;
  answer* answers;
  uint64_t kept, kept_of_model;
  uint64_t answered, checked, wrong, failed, ticks_of[MOST_GENERATIONS + 1]; /* by publication */
  tickmlp_error error;                                                       /* why the thread could not begin */
} desk;

static volatile sig_atomic_t stopped;
static void stop(int signal) { stopped = signal; }

/* Features move from the last bar's to this one's while the bar is open; the last tick has exactly this one's. */
static void form_row(const float* last, const float* now, uint32_t columns, int tick, float* row) {
  const float open = 1.0f - (float)(tick + 1) / TICKS_IN_A_BAR;
  for (uint32_t c = 0; c < columns; ++c) row[c] = now[c] + (last[c] - now[c]) * open;
}

/* Off the critical path: the answer against the full path on the same model, and a line of the journal. */
static void check(const tickmlp_held* held, const float* state, uint64_t bar, const float* row, const float* output) {
  const tickmlp_model_info* info = tickmlp_model_describe(held->model);
  float again[MOST_OUTPUTS];
  if (tickmlp_infer(held->session, state, info->inputs, again, info->outputs) != TICKMLP_OK ||
      memcmp(again, output, info->outputs * sizeof *output) != 0)
    ++desk.wrong;
  if (desk.kept_of_model < KEPT_OF_A_MODEL && desk.kept < MOST_ANSWERS) {
    answer* kept = &desk.answers[desk.kept++];
    ++desk.kept_of_model;
    kept->generation = held->generation;
    kept->bar = bar;
    memcpy(kept->newest, row, info->window_columns * sizeof *row);
    memcpy(kept->output, output, info->outputs * sizeof *output);
  }
  ++desk.checked;
}

/* One bar. Takes the current model at every tick; one that is new to this thread gets the rows as they are. Nothing
 * between the two clock readings allocates, locks or enters the kernel, whatever the publisher does. */
static void trade_bar(tickmlp_reader* reader, const tickmlp_held** held, uint64_t bar, float* state, uint64_t* due) {
  const tickmlp_model_info* info = tickmlp_model_describe((*held)->model);
  const uint32_t columns = info->window_columns, inputs = info->inputs, outputs = info->outputs;
  float* const newest = state + inputs - columns;
  const float* const last = desk.rows + (bar + info->window_rows - 2) * columns;
  float output[MOST_OUTPUTS];
  memcpy(state, desk.rows + bar * columns, (inputs - columns) * sizeof *state);
  for (int tick = 0; tick < TICKS_IN_A_BAR && stopped == 0; ++tick) {
    form_row(last, last + columns, columns, tick, newest);
    while (tickmlp_clock_begin() < *due) {
    } /* the market is quiet */
    *due += (uint64_t)(TICK_NS / desk.clock.ns_per_tick);

    const uint64_t begin = tickmlp_clock_begin();
    const tickmlp_held* now = tickmlp_reader_take(reader);
    const int swapped = now != *held;
    *held = now;
    tickmlp_status status = swapped ? tickmlp_window_reset(now->window, state, inputs) : TICKMLP_OK;
    if (status == TICKMLP_OK) status = tickmlp_window_tick(now->window, newest, columns, output, outputs);
    const uint64_t end = tickmlp_clock_end();

    tickmlp_recorder_record(&desk.recorder, tickmlp_clock_ns(&desk.clock, end - begin));
    desk.ticks_of[now->number < MOST_GENERATIONS ? now->number : MOST_GENERATIONS] += 1;
    if (swapped) desk.kept_of_model = 0;
    if (status != TICKMLP_OK) ++desk.failed; /* `output` is an older tick's: not to be traded on */
    else if (swapped || desk.answered++ % CHECKED_EVERY == 0) check(now, state, bar, newest, output);
  }
  /* The bar is closed: off the critical path, the window moves on. */
  if (stopped == 0 && tickmlp_window_advance((*held)->window) != TICKMLP_OK) ++desk.failed;
}

static void* trade(void* nothing) {
  tickmlp_reader* reader = NULL;
  if (tickmlp_pin_thread(desk.core, &desk.error) != TICKMLP_OK ||
      tickmlp_reader_create(desk.swap, NULL, "trader", &reader, &desk.error) != TICKMLP_OK) {
    stopped = SIGTERM;
    return nothing;
  }
  const tickmlp_held* held = tickmlp_reader_take(reader);
  const tickmlp_model_info* info = tickmlp_model_describe(held->model);
  float* state = calloc(info->inputs, sizeof *state);
  const uint64_t last = desk.bars - info->window_rows;
  uint64_t due = tickmlp_clock_begin();
  while (state != NULL && stopped == 0) { /* a day after the other */
    if (tickmlp_window_reset(held->window, desk.rows, info->inputs) != TICKMLP_OK) ++desk.failed;
    for (uint64_t bar = 0; bar < last && stopped == 0; ++bar) trade_bar(reader, &held, bar, state, &due);
    info = tickmlp_model_describe(held->model);
  }
  free(state);
  tickmlp_reader_free(reader);
  return nothing;
}

/* On the watch's thread. */
static void tell(void* nothing, const tickmlp_watch_report* report) {
  (void)nothing;
  if (report->event == TICKMLP_WATCH_TAKEN)
    printf("taken    generation %llu, drift %.3g, after %.1f ms\n", (unsigned long long)report->generation,
           report->drift.probability, (double)report->took_ns / 1e6);
  else
    printf("%s generation %llu stays: %s: %s\n", report->event == TICKMLP_WATCH_REFUSED ? "refused " : "same    ",
           (unsigned long long)report->running, tickmlp_status_name(report->error.status), report->error.message);
  fflush(stdout);
}

/* The whole file; NULL after an error. */
static float* read_rows(const char* path, uint32_t columns, uint64_t* bars) {
  FILE* file = fopen(path, "rb");
  float* rows = NULL;
  if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
    const long bytes = ftell(file);
    *bars = (uint64_t)bytes / (columns * sizeof *rows);
    rewind(file);
    rows = malloc((size_t)bytes);
    if (rows != NULL && fread(rows, 1, (size_t)bytes, file) != (size_t)bytes) free(rows), rows = NULL;
  }
  if (file != NULL) fclose(file);
  return rows;
}

static int print_day(void) {
  const tickmlp_recorder* r = &desk.recorder;
  for (int i = 1; i <= MOST_GENERATIONS; ++i)
    if (desk.ticks_of[i] != 0) printf("model %d: %llu ticks\n", i, (unsigned long long)desk.ticks_of[i]);
  printf("%llu ticks, %llu failed; %llu answers checked, %llu wrong\n", (unsigned long long)r->count,
         (unsigned long long)desk.failed, (unsigned long long)desk.checked, (unsigned long long)desk.wrong);
  printf("ns: p50 %llu, p99 %llu, p99.9 %llu, p99.99 %llu, max %llu\n",
         (unsigned long long)tickmlp_recorder_percentile(r, 50, 100),
         (unsigned long long)tickmlp_recorder_percentile(r, 99, 100),
         (unsigned long long)tickmlp_recorder_percentile(r, 999, 1000),
         (unsigned long long)tickmlp_recorder_percentile(r, 9999, 10000), (unsigned long long)r->maximum);
  return desk.wrong + desk.failed == 0 ? 0 : 1;
}

static int fail(const tickmlp_error* error) {
  fprintf(stderr, "%s: %s\n", tickmlp_status_name(error->status), error->message);
  return 4;
}

int main(int count, char** words) {
  if (count != 5 && count != 6) {
    fprintf(stderr, "usage: %s FOLDER ROWS CORE JOURNAL [PUBLIC_KEY]\n", words[0]);
    return 2;
  }
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  tickmlp_watch_options options = {0};
  options.public_key = count == 6 ? words[5] : NULL;
  options.drift.probability = DRIFT_PROBABILITY;
  options.drift.value = DRIFT_VALUE;
  options.drift.argmax = DRIFT_ARGMAX;
  options.on_report = tell;
  tickmlp_watch_report first;
  tickmlp_model* model = NULL;
  if (tickmlp_watch_load_current(words[1], &options, &model, &first) != TICKMLP_OK) return fail(&first.error);
  const tickmlp_model_info* info = tickmlp_model_describe(model);
  float* rows = read_rows(words[2], info->window_columns, &desk.bars);
  desk.rows = rows;
  desk.core = atoi(words[3]);
  desk.answers = calloc(MOST_ANSWERS, sizeof *desk.answers);
  if (rows == NULL || desk.answers == NULL || desk.bars <= info->window_rows || info->window_columns > MOST_COLUMNS ||
      info->outputs > MOST_OUTPUTS) {
    fprintf(stderr, "%s: expected more bars of %u float32 than the %u of a window\n", words[2], info->window_columns,
            info->window_rows);
    return 4;
  }
  printf("begin    generation %llu on %s\n", (unsigned long long)info->generation, info->kernel);
  fflush(stdout);

  tickmlp_error error;
  tickmlp_watch* watch = NULL;
  pthread_t trader;
  tickmlp_recorder_reset(&desk.recorder);
  if (tickmlp_clock_calibrate(&desk.clock, &error) != TICKMLP_OK ||
      tickmlp_swap_create(model, NULL, &desk.swap, &error) != TICKMLP_OK)
    return fail(&error);
  options.swap = desk.swap;
  if (tickmlp_watch_create(words[1], &options, &watch, &error) != TICKMLP_OK ||
      tickmlp_watch_start(watch, LOOK_NS, &error) != TICKMLP_OK)
    return fail(&error);
  if (pthread_create(&trader, NULL, trade, NULL) != 0) return 1;
  pthread_join(trader, NULL); /* until a signal */
  tickmlp_watch_free(watch);
  tickmlp_swap_free(desk.swap);
  if (desk.error.status != TICKMLP_OK) return fail(&desk.error);

  FILE* journal = fopen(words[4], "wb");
  if (journal == NULL || fwrite(desk.answers, sizeof *desk.answers, desk.kept, journal) != desk.kept ||
      fclose(journal) != 0)
    return perror(words[4]), 4;
  free(desk.answers);
  free(rows);
  return print_day();
}
