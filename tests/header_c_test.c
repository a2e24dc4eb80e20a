/* SPDX-License-Identifier: Apache-2.0 */
/* The public header compiles as C99, and a C program can load, ask and infer. Arguments: blobs. */
#include <stdio.h>
#include <stdlib.h>

#include "tickmlp.h"

static int try_blob(const char* path) {
  tickmlp_model* model = NULL;
  tickmlp_session* session = NULL;
  tickmlp_error error;
  if (tickmlp_model_load(path, NULL, &model, &error) != TICKMLP_OK ||
      tickmlp_session_create(model, NULL, &session, &error) != TICKMLP_OK) {
    printf("%s: %s: %s\n", path, tickmlp_status_name(error.status), error.message);
    return 1;
  }
  const tickmlp_model_info* info = tickmlp_model_describe(model);
  const float *inputs, *golden;
  tickmlp_model_golden(model, &inputs, &golden);
  float* output = malloc(info->outputs * sizeof *output);
  int wrong = output == NULL || tickmlp_infer(session, inputs, info->inputs, output, info->outputs) != TICKMLP_OK;
  for (uint32_t k = 0; !wrong && k < info->outputs; ++k) wrong |= output[k] != golden[k];
  printf("%s: %s on %s, %s\n", path, info->name, info->kernel, wrong ? "WRONG" : "golden");
  free(output);
  tickmlp_session_free(session);
  tickmlp_model_free(model);
  return wrong;
}

int main(int count, char** paths) {
  int failed = 0;
  for (int i = 1; i < count; ++i) failed |= try_blob(paths[i]);
  return failed;
}
