/* SPDX-License-Identifier: Apache-2.0 */
/* A C program as a user's: states of a file to scores in another, through the shared memory of `tickmlp serve`.
 * usage: shared_score SOCKET MODEL STATES.f32 SCORES.f32 STATES_OF_A_REQUEST */
#include <stdio.h>
#include <stdlib.h>

#include "tickmlp_client.h"

#define SECOND UINT64_C(1000000000)

static int fail(const char* what, const tickmlp_client_error* error) {
  fprintf(stderr, "%s: %s: %s\n", what, tickmlp_client_status_name(error->status), error->message);
  return 1;
}

static int score(tickmlp_client* client, const tickmlp_client_model* model, FILE* in, FILE* out, size_t most) {
  float* inputs = malloc(most * model->inputs * sizeof *inputs);
  float* outputs = malloc(most * model->outputs * sizeof *outputs);
  tickmlp_client_status status = inputs && outputs ? TICKMLP_CLIENT_OK : TICKMLP_CLIENT_OUT_OF_MEMORY;
  tickmlp_client_answer answer = {0, 0, 0};
  for (size_t states;
       status == TICKMLP_CLIENT_OK && (states = fread(inputs, model->inputs * sizeof *inputs, most, in)) > 0;) {
    status = tickmlp_client_infer(client, model->handle, inputs, states, outputs, SECOND, &answer);
    if (status == TICKMLP_CLIENT_OK) fwrite(outputs, model->outputs * sizeof *outputs, states, out);
  }
  printf("%s, generation %llu\n", tickmlp_client_status_name(status), (unsigned long long)answer.generation);
  free(inputs);
  free(outputs);
  return status != TICKMLP_CLIENT_OK;
}

int main(int count, char** words) {
  tickmlp_client* client = NULL;
  tickmlp_client_model model;
  tickmlp_client_error error;
  if (count != 6) return 2;
  if (tickmlp_client_open(words[1], NULL, &client, &error) != TICKMLP_CLIENT_OK) return fail(words[1], &error);
  if (tickmlp_client_find(client, words[2], 0, SECOND, &model, &error) != TICKMLP_CLIENT_OK)
    return fail(words[2], &error);
  FILE* in = fopen(words[3], "rb");
  FILE* out = fopen(words[4], "wb");
  int failed = in == NULL || out == NULL || score(client, &model, in, out, (size_t)atoi(words[5]));
  if (in != NULL) fclose(in);
  if (out != NULL && fclose(out) != 0) failed = 1;
  tickmlp_client_close(client);
  return failed;
}
