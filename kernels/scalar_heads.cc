// SPDX-License-Identifier: Apache-2.0
// The scalar oracle of layer 2 and the heads.
#include <cmath>
#include <cstring>

#include "scalar.h"

namespace tickmlp::scalar {

float exp32(float x) {
  if (x < -87.0f) return 0.0f;
  const float t = std::fma(x, 0x1.715476p+0f, 12582912.0f);
  const float k = t - 12582912.0f;
  float r = std::fma(k, -0x1.62e430p-1f, x);
  r = std::fma(k, 0x1.05c610p-29f, r);
  float p = 0x1.6a23cep-10f;
  p = std::fma(p, r, 0x1.123a20p-7f);
  p = std::fma(p, r, 0x1.5558f2p-5f);
  p = std::fma(p, r, 0x1.555492p-3f);
  p = std::fma(p, r, 0x1.fffffcp-2f);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  uint32_t bits;
  std::memcpy(&bits, &t, 4);
  bits = (bits + 127u) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return p * power;
}

Outcome finish(const Network& network, const Workspace& workspace, float* outputs) {
  for (uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    const float* hidden = workspace.hidden + head.group_begin * kGroup;
    for (uint32_t k = 0; k < head.outputs; ++k) {
      const float* row = head.w2 + static_cast<size_t>(k) * head.groups * kGroup;
      float s[kGroup] = {};
      for (uint32_t j = 0; j < head.groups * kGroup; ++j) s[j % kGroup] = std::fma(hidden[j], row[j], s[j % kGroup]);
      for (uint32_t half = kGroup / 2; half > 0; half /= 2)
        for (uint32_t l = 0; l < half; ++l) s[l] += s[l + half];
      workspace.logits[head.output_begin + k] = s[0] + network.start2[head.output_begin + k];
    }
  }
  for (uint32_t k = 0; k < network.outputs; ++k)
    if (!std::isfinite(workspace.logits[k])) return Outcome::kNonFiniteOutput;
  for (uint32_t h = 0; h < network.heads; ++h) {
    const Head& head = network.head[h];
    const float* logit = workspace.logits + head.output_begin;
    float* output = outputs + head.output_begin;
    if (!head.softmax) {
      std::memcpy(output, logit, head.outputs * sizeof(float));
      continue;
    }
    float m = logit[0];
    for (uint32_t k = 1; k < head.outputs; ++k) m = logit[k] > m ? logit[k] : m;
    float sum = 0.0f;
    for (uint32_t k = 0; k < head.outputs; ++k) {
      output[k] = exp32(logit[k] - m);
      sum = k == 0 ? output[k] : sum + output[k];
    }
    for (uint32_t k = 0; k < head.outputs; ++k) output[k] = output[k] / sum;
  }
  return Outcome::kDone;
}

}  // namespace tickmlp::scalar
