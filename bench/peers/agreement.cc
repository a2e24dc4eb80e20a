// SPDX-License-Identifier: Apache-2.0
#include "agreement.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli.h"

namespace tickmlp::bench {
namespace {

// The first of the largest.
std::size_t argmax(const float* values, std::size_t count) {
  return static_cast<std::size_t>(std::max_element(values, values + count) - values);
}

double largest_value(const Network& network, const NetworkHead& head, const std::vector<float>& outputs) {
  double largest = 0;
  for (std::size_t i = head.output_begin; i < outputs.size(); i += network.outputs)
    for (std::size_t o = 0; o < head.outputs; ++o) largest = std::max(largest, std::fabs(double{outputs[i + o]}));
  return largest;
}

}  // namespace

std::vector<float> outputs_of(Runner* runner, const Network& network, const States& states) {
  std::vector<float> outputs(states.count * network.outputs);
  for (std::uint64_t i = 0; i < states.count; ++i)
    runner->infer(states.values.data() + i * network.inputs, outputs.data() + i * network.outputs);
  return outputs;
}

Agreement check_agreement(const Entrant& entrant, const Network& network, const States& states,
                          const std::vector<float>& reference) {
  Agreement result;
  std::vector<float> seen;
  try {
    seen = outputs_of(entrant.runner.get(), network, states);
  } catch (const Failure& failure) {
    result.wrong = failure.message;
    return result;
  } catch (const std::exception& error) {
    result.wrong = error.what();
    return result;
  }
  const bool int8 = entrant.dtype == "int8";
  const double limit = int8 ? kInt8Limit : kFloatLimit;
  std::uint64_t same = 0, compared = 0;
  for (const NetworkHead& head : network.heads) {
    double unit = 1;
    if (!head.softmax) unit = std::max(largest_value(network, head, reference), int8 ? 1e-30 : 1.0);
    for (std::size_t i = head.output_begin; i < seen.size(); i += network.outputs) {
      for (std::size_t o = 0; o < head.outputs; ++o) {
        const double difference = std::fabs(double{seen[i + o]} - double{reference[i + o]}) / unit;
        if (difference <= result.largest) continue;
        result.largest = difference;
      }
      if (std::any_of(&seen[i], &seen[i] + head.outputs, [](float value) { return !std::isfinite(value); }))
        result.largest = INFINITY;
      if (!head.softmax) continue;
      same += argmax(&seen[i], head.outputs) == argmax(&reference[i], head.outputs);
      compared += 1;
    }
  }
  if (compared != 0) result.argmax_share = static_cast<double>(same) / static_cast<double>(compared);
  if (!(result.largest <= limit)) {
    char text[120];
    std::snprintf(text, sizeof text, "largest difference %.3g over %llu states, expected at most %.3g", result.largest,
                  static_cast<unsigned long long>(states.count), limit);
    result.wrong = text;
  }
  return result;
}

}  // namespace tickmlp::bench
