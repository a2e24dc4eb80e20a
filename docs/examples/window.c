/* SPDX-License-Identifier: Apache-2.0 */
/* Bars and ticks: reset with a history, tick with the newest bar as it changes, advance when it closes. At every bar
 * the output is compared with tickmlp_infer() over all rows: the same bits.
 * Run: ./window weights/tactical-int8.blob 100 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tickmlp.h>

#define TICKS_IN_A_BAR 20

/* The market of this example: features within [-1, 1] that move a little at each tick. */
static void read_market(uint64_t tick, float* row, uint32_t columns) {
  for (uint32_t c = 0; c < columns; ++c) row[c] = (float)((tick * 7 + c * 31) % 201) / 100.0f - 1.0f;
}

/* Runs `bars` bars; `history` [rows][columns] is what the window holds, oldest first. Returns how often the window
 * and the full inference differed, or -1 after an error. */
static int run(tickmlp_window* window, tickmlp_session* session, const tickmlp_model_info* info, float* history,
               float* output, int bars) {
  const uint32_t columns = info->window_columns, older = info->inputs - columns;
  float* newest = history + older;
  float* full = output + info->outputs; /* the full path's, beside the window's */
  int different = 0;
  if (tickmlp_window_reset(window, history, info->inputs) != TICKMLP_OK) return -1;
  for (int bar = 0; bar < bars; ++bar) {
    for (int t = 0; t < TICKS_IN_A_BAR; ++t) { /* the critical path: only the newest row is given */
      read_market((uint64_t)bar * TICKS_IN_A_BAR + (uint64_t)t, newest, columns);
      if (tickmlp_window_tick(window, newest, columns, output, info->outputs) != TICKMLP_OK) return -1;
    }
    if (tickmlp_infer(session, history, info->inputs, full, info->outputs) != TICKMLP_OK) return -1;
    different += memcmp(full, output, info->outputs * sizeof *output) != 0;
    /* The bar has closed: off the critical path the window moves by one row. */
    if (tickmlp_window_advance(window) != TICKMLP_OK) return -1;
    memmove(history, history + columns, older * sizeof *history);
  }
  return different;
}

int main(int count, char** arguments) {
  if (count != 3) return fprintf(stderr, "usage: %s BLOB BARS\n", arguments[0]), 2;
  tickmlp_error error = {TICKMLP_OK, ""};
  tickmlp_model* model = NULL;
  tickmlp_session* session = NULL;
  tickmlp_window* window = NULL;
  if (tickmlp_model_load(arguments[1], NULL, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &session, &error) != TICKMLP_OK ||
      tickmlp_window_create(model, NULL, &window, &error) != TICKMLP_OK) {
    fprintf(stderr, "%s: %s\n", tickmlp_status_name(error.status), error.message);
    tickmlp_session_free(session);
    tickmlp_model_free(model);
    return 4;
  }
  const tickmlp_model_info* info = tickmlp_model_describe(model);
  float* history = calloc(info->inputs, sizeof *history);
  float* output = calloc(info->outputs, 2 * sizeof *output);
  int different = -1;
  if (history != NULL && output != NULL) different = run(window, session, info, history, output, atoi(arguments[2]));

  tickmlp_counters counters;
  tickmlp_window_counters(window, &counters);
  printf("%s: %u rows x %u columns, %llu ticks, %d bars that differ from the full path\n", info->name,
         info->window_rows, info->window_columns, (unsigned long long)counters.inferences, different);
  free(output);
  free(history);
  tickmlp_window_free(window);
  tickmlp_session_free(session);
  tickmlp_model_free(model);
  return different == 0 ? 0 : 1;
}
