/* SPDX-License-Identifier: Apache-2.0 */
/* Scores states: raw float32 in and out. One text for C99, and for C++17 without exceptions and run-time types.
 * Usage: score BLOB STATES.f32 OUTPUTS.f32 */
#include <stdio.h>
#include <stdlib.h>
#include <tickmlp.h>

static int score(tickmlp_session* session, const tickmlp_model_info* info, FILE* in, FILE* out) {
  float* state = (float*)malloc(info->inputs * sizeof(float));
  float* output = (float*)malloc(info->outputs * sizeof(float));
  int failed = state == NULL || output == NULL;
  while (!failed && fread(state, sizeof(float), info->inputs, in) == info->inputs)
    failed = tickmlp_infer(session, state, info->inputs, output, info->outputs) != TICKMLP_OK ||
             fwrite(output, sizeof(float), info->outputs, out) != info->outputs;
  free(output);
  free(state);
  return failed;
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  tickmlp_model* model = NULL;
  tickmlp_session* session = NULL;
  tickmlp_error error;
  if (tickmlp_model_load(arguments[1], NULL, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &session, &error) != TICKMLP_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 4;
  }
  FILE* in = fopen(arguments[2], "rb");
  FILE* out = fopen(arguments[3], "wb");
  int failed = in == NULL || out == NULL || score(session, tickmlp_model_describe(model), in, out);
  if (in != NULL) fclose(in);
  if (out != NULL) failed |= fclose(out) != 0;
  tickmlp_session_free(session);
  tickmlp_model_free(model);
  return failed;
}
