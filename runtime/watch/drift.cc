// SPDX-License-Identifier: Apache-2.0
#include "watch/drift.h"

#include <cmath>

#include "error.h"
#include "model.h"

namespace tickmlp::watch {
namespace {

using Number = unsigned long long;  // for printf

// Of one head, over all states.
struct HeadDrift {
  double difference, magnitude;  // the largest
  uint32_t agreed;
};

// Both models' answers to one state after the other.
class Comparison {
 public:
  Comparison(const tickmlp_model& running, const tickmlp_model& next) : running_(running), next_(next) {}
  ~Comparison() {
    tickmlp_session_free(running_session_);
    tickmlp_session_free(next_session_);
  }
  Comparison(const Comparison&) = delete;

  tickmlp_status open(tickmlp_error* error) {
    if (auto s = tickmlp_session_create(&running_, nullptr, &running_session_, error)) return s;
    return tickmlp_session_create(&next_, nullptr, &next_session_, error);
  }

  // False where one of them has no finite answer.
  bool add_golden_inputs(const tickmlp_model& from) {
    const float *inputs, *outputs;
    const uint32_t count = tickmlp_model_golden(&from, &inputs, &outputs);
    for (uint32_t i = 0; i < count; ++i)
      if (!add(inputs + static_cast<size_t>(i) * from.info.inputs)) return false;
    return true;
  }

  tickmlp_drift summary() const {
    tickmlp_drift drift = {states_, 0, 0, 1};
    for (uint32_t h = 0; h < next_.info.heads; ++h) {
      const HeadDrift& head = heads_[h];
      if (next_.heads[h].softmax) {
        drift.probability = std::fmax(drift.probability, head.difference);
        drift.argmax = std::fmin(drift.argmax, static_cast<double>(head.agreed) / states_);
      } else if (head.difference != 0) {
        drift.value = std::fmax(drift.value, head.difference / head.magnitude);
      }
    }
    return drift;
  }

 private:
  bool add(const float* input) {
    const uint32_t inputs = next_.info.inputs, outputs = next_.info.outputs;
    float then[kMaxHeads * kMaxHeadOutputs], now[kMaxHeads * kMaxHeadOutputs];
    if (tickmlp_infer(running_session_, input, inputs, then, outputs) != TICKMLP_OK ||
        tickmlp_infer(next_session_, input, inputs, now, outputs) != TICKMLP_OK)
      return false;
    for (uint32_t h = 0; h < next_.info.heads; ++h) add_head(next_.heads[h], then, now, &heads_[h]);
    ++states_;
    return true;
  }

  static void add_head(const Head& head, const float* then, const float* now, HeadDrift* drift) {
    uint32_t best_then = head.output_begin, best_now = head.output_begin;
    for (uint32_t k = head.output_begin; k < head.output_begin + head.outputs; ++k) {
      const double a = static_cast<double>(then[k]), b = static_cast<double>(now[k]);
      drift->difference = std::fmax(drift->difference, std::fabs(a - b));
      drift->magnitude = std::fmax(drift->magnitude, std::fmax(std::fabs(a), std::fabs(b)));
      if (then[k] > then[best_then]) best_then = k;
      if (now[k] > now[best_now]) best_now = k;
    }
    drift->agreed += best_then == best_now;
  }

  const tickmlp_model &running_, &next_;
  tickmlp_session *running_session_ = nullptr, *next_session_ = nullptr;
  HeadDrift heads_[kMaxHeads] = {};
  uint32_t states_ = 0;
};

}  // namespace

tickmlp_status check_limits(const tickmlp_drift_limits& limits, tickmlp_error* error) {
  if (std::isnan(limits.probability) || std::isnan(limits.value) || std::isnan(limits.argmax) || limits.argmax > 1)
    return fail(error, TICKMLP_BAD_ARGUMENT,
                "drift limits are probability %g, value %g, argmax %g; expected numbers, and argmax 1 at most",
                limits.probability, limits.value, limits.argmax);
  return TICKMLP_OK;
}

tickmlp_status check_drift(const tickmlp_model& running, const tickmlp_model& next, const tickmlp_drift_limits& limits,
                           tickmlp_drift* drift, tickmlp_error* error) {
  const bool limited = limits.probability > 0 || limits.value > 0 || limits.argmax > 0;
  const Number now = running.info.generation, then = next.info.generation;
  Comparison comparison(running, next);
  if (auto s = comparison.open(error)) return s;
  if (!comparison.add_golden_inputs(running) || !comparison.add_golden_inputs(next)) {
    if (!limited) return TICKMLP_OK;
    return fail(error, TICKMLP_DRIFT,
                "generation %llu or %llu has no finite answer to a golden input of the other; expected answers to "
                "compare",
                now, then);
  }
  *drift = comparison.summary();
  const auto over = [&](const char* what, double seen, const char* bound, double limit) {
    return fail(error, TICKMLP_DRIFT, "%s is %.3g from generation %llu to %llu over %u golden inputs; expected %s %.3g",
                what, seen, now, then, drift->states, bound, limit);
  };
  if (limits.probability > 0 && drift->probability > limits.probability)
    return over("the largest difference of a probability", drift->probability, "at most", limits.probability);
  if (limits.value > 0 && drift->value > limits.value)
    return over("the largest relative difference of a value", drift->value, "at most", limits.value);
  if (limits.argmax > 0 && drift->argmax < limits.argmax)
    return over("the argmax agreement", drift->argmax, "at least", limits.argmax);
  return TICKMLP_OK;
}

}  // namespace tickmlp::watch
