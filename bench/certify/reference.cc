// SPDX-License-Identifier: Apache-2.0
#include "certify/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "cli.h"
#include "input_file.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr double kMostWhole = 9e15;  // below 2^53, so that every reader of JSON has the same number

const char* activation_name(tickmlp_activation activation) {
  return activation == TICKMLP_SOFTMAX ? "softmax" : "identity";
}

std::vector<tickmlp_head_info> heads_of(const Model& model) {
  std::vector<tickmlp_head_info> heads(tickmlp_model_describe(model.get())->heads);
  for (std::uint32_t i = 0; i < heads.size(); ++i) tickmlp_model_head(model.get(), i, &heads[i]);
  return heads;
}

std::string shape_of(const Model& model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  std::string text = std::to_string(info.inputs) + " inputs";
  for (const tickmlp_head_info& head : heads_of(model))
    text += ", " + printable(head.name) + " " + std::to_string(head.outputs) + " " + activation_name(head.activation);
  return text;
}

std::vector<float> outputs_of(const Model& model, tickmlp_session* session, const float* states, std::uint64_t count,
                              const std::string& what) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  std::vector<float> outputs(count * info.outputs);
  for (std::uint64_t i = 0; i < count; ++i) {
    const tickmlp_status status =
        tickmlp_infer(session, states + i * info.inputs, info.inputs, outputs.data() + i * info.outputs, info.outputs);
    if (status != TICKMLP_OK) refuse(what + ", state " + std::to_string(i) + ": " + tickmlp_status_name(status));
  }
  return outputs;
}

std::size_t argmax(const float* values, std::size_t count) {  // ties go to the lower index
  return static_cast<std::size_t>(std::max_element(values, values + count) - values);
}

json head_facts(const tickmlp_head_info& head, const std::vector<float>& seen, const std::vector<float>& expected,
                std::size_t outputs) {
  double largest = 0, magnitude = 0;
  std::uint64_t same = 0, states = 0;
  for (std::size_t at = head.output_begin; at < seen.size(); at += outputs, ++states) {
    for (std::size_t i = at; i < at + head.outputs; ++i) {
      largest = std::max(largest, std::fabs(double{seen[i]} - double{expected[i]}));
      magnitude = std::max(magnitude, std::fabs(double{expected[i]}));
    }
    same += argmax(&seen[at], head.outputs) == argmax(&expected[at], head.outputs);
  }
  if (head.activation != TICKMLP_SOFTMAX && magnitude > 0) largest /= magnitude;
  return {{"name", printable(head.name)},
          {"activation", activation_name(head.activation)},
          {"largest_error_ppb", billionths(largest)},
          {"argmax_agreement_ppm",
           head.outputs > 1 ? millionths(static_cast<double>(same) / static_cast<double>(states)) : json()}};
}

}  // namespace

// The factors keep 0.0123, which no double is, from becoming one part more or less.
json billionths(double error) {
  return static_cast<std::uint64_t>(std::min(std::ceil(error * 1e9 * (1 - 1e-12)), kMostWhole));
}
json millionths(double share) { return static_cast<std::uint64_t>(std::floor(share * 1e6 * (1 + 1e-12))); }

json reference_facts(const std::string& path, const Model& model, tickmlp_session* session, const float* states,
                     std::uint64_t count) {
  const Model reference = load_model(path, "");
  const tickmlp_model_info &info = *tickmlp_model_describe(model.get()),
                           &of_reference = *tickmlp_model_describe(reference.get());
  if (of_reference.type != TICKMLP_FLOAT32)
    refuse(printable(path) + ": reference-type: is " + dtype_name(of_reference.type) + "; expected a float32 model");
  if (shape_of(reference) != shape_of(model))
    refuse(printable(path) + ": reference-shape: has " + shape_of(reference) +
           "; expected those of the model: " + shape_of(model));
  const auto expected =
      outputs_of(reference, open_session(reference).get(), states, count, "the reference " + printable(path));
  const auto seen = outputs_of(model, session, states, count, "the model");
  json heads = json::array();
  for (const tickmlp_head_info& head : heads_of(model)) heads.push_back(head_facts(head, seen, expected, info.outputs));
  return {{"blob", printable(path)},
          {"blob_sha256", hexadecimal(of_reference.blob_sha256)},
          {"name", of_reference.name},
          {"same_source", std::memcmp(of_reference.source_sha256, info.source_sha256, sizeof info.source_sha256) == 0},
          {"states", count},
          {"heads", heads}};
}

std::string reference_beside(const std::string& blob) {
  constexpr std::string_view kInt8 = "-int8.blob";
  if (!blob.ends_with(kInt8)) return "";
  const std::string beside = blob.substr(0, blob.size() - kInt8.size()) + "-float32.blob";
  return file_exists(beside) ? beside : "";
}

Reference find_reference(const std::string& given, const std::string& blob, const Model& model,
                         tickmlp_session* session, const float* states, std::uint64_t count) {
  if (!given.empty()) return {reference_facts(given, model, session, states, count), ""};
  if (tickmlp_model_describe(model.get())->type == TICKMLP_FLOAT32) return {json(), "the model is float32 itself"};
  const std::string beside = reference_beside(blob);
  if (beside.empty())
    return {json(), "no float32 blob of the same model beside it; --reference FLOAT32.blob names one"};
  try {
    json facts = reference_facts(beside, model, session, states, count);
    if (facts.at("same_source") == true) return {facts, ""};
    return {json(), printable(beside) + " was exported from another source; --reference FLOAT32.blob names one"};
  } catch (const Failure& failure) {
    return {json(), failure.message};
  }
}

json head_shapes(const Model& model) {
  json heads = json::array();
  for (const tickmlp_head_info& head : heads_of(model))
    heads.push_back({{"name", printable(head.name)},
                     {"activation", activation_name(head.activation)},
                     {"hidden", head.hidden},
                     {"outputs", head.outputs}});
  return heads;
}

json stored_accuracy(const Model& model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model.get());
  json heads = json::array();
  for (const tickmlp_head_info& head : heads_of(model))
    heads.push_back({{"name", printable(head.name)},
                     {"activation", activation_name(head.activation)},
                     {"largest_error_ppb", billionths(head.largest_error)},
                     {"mean_error_ppb", billionths(head.mean_error)},
                     {"argmax_agreement_ppm", head.outputs > 1 ? millionths(head.argmax_agreement) : json()}});
  return {{"states", info.accuracy_states}, {"clipped_inputs", info.clipped_inputs}, {"heads", heads}};
}

}  // namespace tickmlp::bench
