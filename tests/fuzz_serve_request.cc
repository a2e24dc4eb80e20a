// SPDX-License-Identifier: Apache-2.0
// libFuzzer over the request decoder: JSON, JSON with binary tensors, raw bodies. What is let pass has the size that
// its shape says; JSON's numbers are those that another reader sees, to the bit; and the answer to it is JSON again.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "serve/protocol/infer_answer.h"

using namespace tickmlp::serve;
using nlohmann::json;

namespace {

constexpr std::size_t kMaxStates = 64;

void check(bool good) {
  if (!good) std::abort();
}

Shape small_shape() {
  return {3, 4, 0, 0, {{"first", "\"first\"", 3, 0, true}, {"second", "\"second\"", 1, 3, false}}};
}

void flatten(const json& data, std::vector<float>* out) {
  for (const json& value : data) {
    if (value.is_array()) flatten(value, out);
    else out->push_back(static_cast<float>(value.get<double>()));
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void check_answer(const Shape& shape, const InferRequest& request) {
  const std::vector<float> outputs(request.states * shape.outputs, 0.1f);
  std::string body;
  const std::size_t json_bytes = append_infer_answer(shape, "\"model\"", 7, request, outputs.data(), &body);
  const json answer = json::parse(json_bytes == 0 ? body : body.substr(0, json_bytes), nullptr, false);
  check(answer.is_object() && answer["outputs"].size() == request.outputs.size());
  check(request.id.empty() == !answer.contains("id"));
}

}  // namespace

// The first byte says how many bytes are JSON: 0 none is said, 1 none are, else as many as that part of the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const Shape shape = small_shape();
  static InferRequestReader reader(kMaxStates);  // kept, as a serving thread keeps its own
  static InferRequest request;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<std::size_t> json_bytes;
  if (data[0] == 1) json_bytes = 0;
  if (data[0] > 1) json_bytes = (bytes.size() + 8) * (data[0] - 1) / 254;
  // Of its exact size, so that a read behind the padding is seen.
  const auto body = std::make_unique<char[]>(bytes.size() + kBodyPadding);
  std::copy(bytes.begin(), bytes.end(), body.get());
  if (const Refusal refusal = reader.read(shape, {body.get(), bytes.size()}, json_bytes, &request)) {
    check(!refusal.message.empty());
    check(json::parse(error_json(refusal.message), nullptr, false).is_object());
    return 0;
  }
  check(request.states >= 1 && request.states <= kMaxStates);
  check(request.inputs.size() == request.states * shape.inputs);
  check(!request.outputs.empty() && request.outputs.size() <= shape.heads.size());
  if (json_bytes != std::size_t{0}) {
    const json seen = json::parse(bytes.substr(0, json_bytes.value_or(bytes.size())), nullptr, false);
    check(seen.is_object());
    const json& input = seen["inputs"][0];
    if (input.contains("data")) {
      std::vector<float> numbers;
      flatten(input["data"], &numbers);
      check(same_bits(numbers, request.inputs));
      for (const float number : request.inputs) check(std::isfinite(number));
    }
  }
  check_answer(shape, request);
  return 0;
}
