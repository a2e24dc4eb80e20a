// SPDX-License-Identifier: Apache-2.0
#include "serve/protocol/infer_answer.h"

#include <charconv>

#include "serve/json_text.h"

namespace tickmlp::serve {
namespace {

template <typename Number>
void append_number(Number number, std::string* out) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out->append(digits, end);
}

void append_data(const HeadShape& head, std::size_t states, std::size_t row, const float* outputs, std::string* body) {
  body->append(",\"data\":[");
  for (std::size_t state = 0; state < states; ++state)
    for (std::uint32_t i = 0; i < head.outputs; ++i) {
      if (state + i != 0) body->push_back(',');
      append_number(outputs[state * row + head.begin + i], body);
    }
  body->append("]}");
}

}  // namespace

std::size_t append_infer_answer(const Shape& shape, std::string_view quoted_name, std::uint64_t generation,
                                const InferRequest& request, const float* outputs, std::string* body) {
  const std::size_t begin = body->size();
  bool any_binary = false;
  body->append("{\"model_name\":").append(quoted_name).append(",\"model_version\":\"");
  append_number(generation, body);
  body->append("\"");
  if (!request.id.empty()) body->append(",\"id\":").append(request.id);
  body->append(",\"outputs\":[");
  for (const WantedOutput& wanted : request.outputs) {
    const HeadShape& head = shape.heads[wanted.head];
    if (body->back() == '}') body->push_back(',');
    body->append("{\"name\":").append(head.quoted).append(",\"datatype\":\"FP32\",\"shape\":[");
    append_number(request.states, body);
    body->push_back(',');
    append_number(head.outputs, body);
    body->push_back(']');
    if (wanted.binary) {
      any_binary = true;
      body->append(",\"parameters\":{\"binary_data_size\":");
      append_number(request.states * head.outputs * sizeof(float), body);
      body->append("}}");
    } else {
      append_data(head, request.states, shape.outputs, outputs, body);
    }
  }
  body->append("]}");
  if (!any_binary) return 0;
  const std::size_t json_bytes = body->size() - begin;
  for (const WantedOutput& wanted : request.outputs) {
    if (!wanted.binary) continue;
    const HeadShape& head = shape.heads[wanted.head];
    for (std::size_t state = 0; state < request.states; ++state)
      body->append(reinterpret_cast<const char*>(outputs + state * shape.outputs + head.begin),
                   head.outputs * sizeof(float));
  }
  return json_bytes;
}

std::string error_json(std::string_view message) { return "{\"error\":" + json_text(message) + '}'; }

}  // namespace tickmlp::serve
