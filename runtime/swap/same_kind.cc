// SPDX-License-Identifier: Apache-2.0
// Whether a reader that feeds one model can feed another: the same questions in the same order, the same answers.
#include <cstring>

#include "error.h"
#include "swap/content.h"

namespace tickmlp::swap {
namespace {

tickmlp_status refuse(tickmlp_error* error, const char* what, uint32_t seen, uint32_t expected) {
  return fail(error, TICKMLP_OTHER_MODEL, "%u %s; expected %u, as in the model that is running", seen, what, expected);
}

tickmlp_status check_heads(const tickmlp_model& current, const tickmlp_model& next, tickmlp_error* error) {
  for (uint32_t i = 0; i < current.info.heads; ++i) {
    tickmlp_head_info now, then;
    tickmlp_model_head(&current, i, &now);
    tickmlp_model_head(&next, i, &then);
    if (std::strcmp(now.name, then.name) != 0 || now.outputs != then.outputs || now.activation != then.activation)
      return fail(error, TICKMLP_OTHER_MODEL, "head %u is %s, %u outputs%s; expected %s, %u outputs%s", i, then.name,
                  then.outputs, then.activation == TICKMLP_SOFTMAX ? " softmax" : "", now.name, now.outputs,
                  now.activation == TICKMLP_SOFTMAX ? " softmax" : "");
  }
  return TICKMLP_OK;
}

tickmlp_status check_features(const tickmlp_model& current, const tickmlp_model& next, tickmlp_error* error) {
  for (uint32_t i = 0; i < current.info.feature_count; ++i) {
    const char *now, *then;
    float low, high;
    tickmlp_model_feature(&current, i, &now, &low, &high);
    tickmlp_model_feature(&next, i, &then, &low, &high);
    if (std::strcmp(now, then) != 0)
      return fail(error, TICKMLP_OTHER_MODEL, "feature %u is \"%s\"; expected \"%s\"", i, then, now);
  }
  return TICKMLP_OK;
}

}  // namespace

// Hidden units, element type, kernel and ranges may change.
tickmlp_status check_same_kind(const tickmlp_model& current, const tickmlp_model& next, tickmlp_error* error) {
  const tickmlp_model_info &now = current.info, &then = next.info;
  if (std::strcmp(now.name, then.name) != 0)
    return fail(error, TICKMLP_OTHER_MODEL, "model %s; expected %s, which is running", then.name, now.name);
  if (then.inputs != now.inputs) return refuse(error, "inputs", then.inputs, now.inputs);
  if (then.outputs != now.outputs) return refuse(error, "outputs", then.outputs, now.outputs);
  if (then.heads != now.heads) return refuse(error, "heads", then.heads, now.heads);
  if (then.window_rows != now.window_rows) return refuse(error, "window rows", then.window_rows, now.window_rows);
  if (then.feature_count != now.feature_count) return refuse(error, "features", then.feature_count, now.feature_count);
  if (auto s = check_heads(current, next, error)) return s;
  return check_features(current, next, error);
}

}  // namespace tickmlp::swap
