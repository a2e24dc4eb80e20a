/* SPDX-License-Identifier: Apache-2.0 */
/* The least that scores a state: load, one session, one inference.
 * Run: ./minimal weights/tactical-int8.blob */
#include <stdio.h>
#include <stdlib.h>
#include <tickmlp.h>

int main(int count, char** arguments) {
  if (count != 2) return fprintf(stderr, "usage: %s BLOB\n", arguments[0]), 2;

  tickmlp_model* model = NULL;
  tickmlp_session* session = NULL;
  tickmlp_error error;
  if (tickmlp_model_load(arguments[1], NULL, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &session, &error) != TICKMLP_OK) {
    fprintf(stderr, "%s: %s\n", tickmlp_status_name(error.status), error.message);
    tickmlp_model_free(model);
    return 4;
  }

  const tickmlp_model_info* info = tickmlp_model_describe(model);
  float* state = calloc(info->inputs, sizeof *state); /* yours: [inputs], all zero here */
  float* output = calloc(info->outputs, sizeof *output);
  tickmlp_status status = TICKMLP_OUT_OF_MEMORY;
  if (state != NULL && output != NULL) status = tickmlp_infer(session, state, info->inputs, output, info->outputs);

  for (uint32_t h = 0; status == TICKMLP_OK && h < info->heads; ++h) {
    tickmlp_head_info head;
    tickmlp_model_head(model, h, &head);
    printf("%-10s", head.name);
    for (uint32_t k = 0; k < head.outputs; ++k) printf(" %.6f", (double)output[head.output_begin + k]);
    printf("\n");
  }
  if (status != TICKMLP_OK) fprintf(stderr, "no output: %s\n", tickmlp_status_name(status));

  free(output);
  free(state);
  tickmlp_session_free(session);
  tickmlp_model_free(model);
  return status == TICKMLP_OK ? 0 : 1;
}
