/* SPDX-License-Identifier: Apache-2.0 */
/* A C program as a user's: bars through a window at the server, and each answer held against a window in this process
 * and against the whole state. Every bar closes once; before it does, its row is ticked as half of itself too.
 * usage: shared_window SOCKET MODEL BLOB ROWS.f32 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tickmlp.h"
#include "tickmlp_client.h"

#define SECOND UINT64_C(1000000000)

typedef struct {
  tickmlp_client* client;
  uint32_t window;
  tickmlp_window* here;
  tickmlp_session* session;
  size_t rows, columns, outputs;
} pair;

static long wrong = 0, ticks = 0;

static void expect(int holds, const char* what) {
  if (!holds && wrong++ < 10) fprintf(stderr, "wrong: %s\n", what);
}

/* `state` [rows * columns], whose newest row is `row`. */
static void tick(pair* p, const float* state, const float* row) {
  float theirs[64], ours[64], whole[64];
  tickmlp_client_answer answer;
  ticks += 1;
  expect(tickmlp_client_window_tick(p->client, p->window, row, theirs, SECOND, &answer) == TICKMLP_CLIENT_OK, "tick");
  expect(answer.generation != 0, "no generation");
  expect(tickmlp_window_tick(p->here, row, p->columns, ours, p->outputs) == TICKMLP_OK, "tick here");
  expect(tickmlp_infer(p->session, state, p->rows * p->columns, whole, p->outputs) == TICKMLP_OK, "whole state");
  expect(memcmp(theirs, ours, p->outputs * sizeof *ours) == 0, "not the bits of a window in process");
  expect(memcmp(theirs, whole, p->outputs * sizeof *ours) == 0, "not the bits of the whole state");
}

static void run(pair* p, const float* bars, size_t count) {
  const size_t inputs = p->rows * p->columns;
  float* state = malloc(inputs * sizeof *state);
  expect(tickmlp_client_window_tick(p->client, p->window, bars, state, SECOND, NULL) == TICKMLP_CLIENT_WINDOW_EMPTY,
         "a window that was never filled");
  expect(tickmlp_client_window_reset(p->client, p->window, bars, SECOND, NULL) == TICKMLP_CLIENT_OK, "reset");
  expect(tickmlp_window_reset(p->here, bars, inputs) == TICKMLP_OK, "reset here");
  for (size_t bar = p->rows; bar < count; ++bar) {
    const float* const row = bars + bar * p->columns;
    expect(tickmlp_client_window_advance(p->client, p->window, SECOND, NULL) == TICKMLP_CLIENT_OK, "advance");
    expect(tickmlp_window_advance(p->here) == TICKMLP_OK, "advance here");
    memcpy(state, row - (p->rows - 1) * p->columns, inputs * sizeof *state);
    float* const newest = state + inputs - p->columns;
    for (size_t i = 0; i < p->columns; ++i) newest[i] = row[i] / 2;
    tick(p, state, newest);
    memcpy(newest, row, p->columns * sizeof *row);
    tick(p, state, row);
  }
  free(state);
}

int main(int count, char** words) {
  if (count != 5) return 2;
  pair p = {0};
  tickmlp_model* model = NULL;
  tickmlp_client_model there;
  tickmlp_client_error error;
  FILE* const in = fopen(words[4], "rb");
  if (in == NULL || tickmlp_model_load(words[3], NULL, &model, NULL) != TICKMLP_OK) return 3;
  const tickmlp_model_info* const info = tickmlp_model_describe(model);
  p.rows = info->window_rows;
  p.columns = info->window_columns;
  p.outputs = info->outputs;
  if (tickmlp_client_open(words[1], NULL, &p.client, &error) != TICKMLP_CLIENT_OK ||
      tickmlp_client_find(p.client, words[2], 0, SECOND, &there, &error) != TICKMLP_CLIENT_OK ||
      tickmlp_client_window_open(p.client, there.handle, 0, &p.window, &error) != TICKMLP_CLIENT_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 4;
  }
  expect(there.window_rows == p.rows && there.window_columns == p.columns, "another window there");
  if (tickmlp_window_create(model, NULL, &p.here, NULL) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &p.session, NULL) != TICKMLP_OK)
    return 5;
  fseek(in, 0, SEEK_END);
  const size_t bars = (size_t)ftell(in) / sizeof(float) / p.columns;
  float* const all = malloc(bars * p.columns * sizeof *all);
  rewind(in);
  if (fread(all, p.columns * sizeof *all, bars, in) != bars) return 6;
  fclose(in);
  run(&p, all, bars);
  printf("%ld ticks, %ld wrong\n", ticks, wrong);
  free(all);
  tickmlp_client_window_close(p.client, p.window);
  tickmlp_client_close(p.client);
  tickmlp_session_free(p.session);
  tickmlp_window_free(p.here);
  tickmlp_model_free(model);
  return wrong != 0;
}
