// SPDX-License-Identifier: Apache-2.0
#include "serve/grpc/infer.h"

#include <algorithm>
#include <cstring>

#include "serve/protocol/fields.h"

namespace tickmlp::serve {
namespace {

using inference::InferTensorContents;
using inference::ModelInferRequest;
using Parameters = google::protobuf::Map<std::string, inference::InferParameter>;

Refusal bad(std::string message) { return {Code::bad_request, std::move(message)}; }

// Parameters that would change the answer, and are not offered. Others are passed over, as the protocol asks.
Refusal check_parameters(const Parameters& parameters, std::string_view what) {
  for (const char* name : {"classification", "shared_memory_region"})
    if (parameters.contains(name)) return bad(std::string(what) + ": " + name + ": not offered over gRPC");
  return {};
}

std::string seen(const google::protobuf::RepeatedField<std::int64_t>& shape) {
  std::string out = "[";
  for (int i = 0; i < std::min(shape.size(), 4); ++i) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + (shape.size() > 4 ? ", ...]" : "]");
}

bool has_other_contents(const InferTensorContents& contents) {
  return contents.bool_contents_size() + contents.int_contents_size() + contents.int64_contents_size() +
             contents.uint_contents_size() + contents.uint64_contents_size() + contents.fp64_contents_size() +
             contents.bytes_contents_size() !=
         0;
}

Refusal read_contents(const ModelInferRequest& message, std::size_t count, std::vector<float>* out) {
  const InferTensorContents& contents = message.inputs(0).contents();
  if (has_other_contents(contents)) return bad("input: contents of another type: expected fp32_contents");
  const auto typed = static_cast<std::size_t>(contents.fp32_contents_size());
  if (message.raw_input_contents_size() == 0) {
    if (typed != count)
      return bad("input: fp32_contents of " + std::to_string(typed) + " numbers: expected " + std::to_string(count));
    out->assign(contents.fp32_contents().begin(), contents.fp32_contents().end());
    return {};
  }
  if (typed != 0) return bad("input: fp32_contents and raw_input_contents: expected one of them");
  if (message.raw_input_contents_size() != 1)
    return bad("raw_input_contents: " + std::to_string(message.raw_input_contents_size()) +
               " tensors: expected one, as there is one input");
  const std::string& raw = message.raw_input_contents(0);
  if (raw.size() != count * sizeof(float))
    return bad("raw_input_contents: " + std::to_string(raw.size()) + " bytes: expected " +
               std::to_string(count * sizeof(float)) + ", as the shape says");
  out->resize(count);
  std::memcpy(out->data(), raw.data(), raw.size());
  return {};
}

Refusal read_outputs(const Shape& shape, const ModelInferRequest& message, bool raw, std::vector<WantedOutput>* out) {
  out->clear();
  for (const auto& wanted : message.outputs()) {
    const auto head = std::find_if(shape.heads.begin(), shape.heads.end(),
                                   [&](const HeadShape& candidate) { return candidate.name == wanted.name(); });
    if (head == shape.heads.end()) return bad("outputs: the model has no " + cut_text(wanted.name()));
    const auto index = static_cast<std::uint32_t>(head - shape.heads.begin());
    for (const WantedOutput& earlier : *out)
      if (earlier.head == index) return bad("outputs: " + wanted.name() + " twice: expected once");
    if (const Refusal refusal = check_parameters(wanted.parameters(), "outputs")) return refusal;
    out->push_back({index, raw});
  }
  if (message.outputs().empty())
    for (std::uint32_t head = 0; head < shape.heads.size(); ++head) out->push_back({head, raw});
  return {};
}

}  // namespace

Refusal read_version(const std::string& text, std::optional<std::uint64_t>* out) {
  *out = read_whole(text);
  if (!*out && !text.empty())
    return {Code::not_found, "no version " + quote(text) + ": expected a generation, a whole number"};
  return {};
}

Refusal read_infer(const Shape& shape, const ModelInferRequest& message, std::size_t max_states, InferRequest* out) {
  if (message.inputs_size() != 1)
    return bad("inputs: " + std::to_string(message.inputs_size()) + " tensors: expected one");
  const auto& input = message.inputs(0);
  if (input.name() != kInputName) return bad("inputs: name " + quote(input.name()) + ": expected " + quote(kInputName));
  if (input.datatype() != "FP32") return bad("input: datatype " + quote(input.datatype()) + ": expected \"FP32\"");
  if (input.shape_size() != 2 || input.shape(1) != shape.inputs)
    return bad("input: shape " + seen(input.shape()) + ": expected [states, " + std::to_string(shape.inputs) + "]");
  if (input.shape(0) < 1 || static_cast<std::uint64_t>(input.shape(0)) > max_states)
    return bad("input: " + std::to_string(input.shape(0)) + " states: expected 1 to " + std::to_string(max_states));
  if (const Refusal refusal = check_parameters(input.parameters(), "input")) return refusal;
  out->states = static_cast<std::size_t>(input.shape(0));
  if (const Refusal refusal = read_contents(message, out->states * shape.inputs, &out->inputs)) return refusal;
  return read_outputs(shape, message, message.raw_input_contents_size() != 0, &out->outputs);
}

void write_infer(const Shape& shape, const InferRequest& request, const float* outputs,
                 inference::ModelInferResponse* message) {
  for (const WantedOutput& wanted : request.outputs) {
    const HeadShape& head = shape.heads[wanted.head];
    auto* tensor = message->add_outputs();
    tensor->set_name(head.name);
    tensor->set_datatype("FP32");
    tensor->add_shape(static_cast<std::int64_t>(request.states));
    tensor->add_shape(head.outputs);
    if (wanted.binary) {
      std::string* raw = message->add_raw_output_contents();
      raw->reserve(request.states * head.outputs * sizeof(float));
      for (std::size_t state = 0; state < request.states; ++state)
        raw->append(reinterpret_cast<const char*>(outputs + state * shape.outputs + head.begin),
                    head.outputs * sizeof(float));
    } else {
      auto* numbers = tensor->mutable_contents()->mutable_fp32_contents();
      for (std::size_t state = 0; state < request.states; ++state) {
        const float* first = outputs + state * shape.outputs + head.begin;
        numbers->Add(first, first + head.outputs);
      }
    }
  }
}

}  // namespace tickmlp::serve
