// SPDX-License-Identifier: Apache-2.0
#include "serve/protocol/infer_request.h"

#include <cmath>
#include <cstring>

#include "serve/json_text.h"
#include "serve/protocol/fields.h"
#include "serve/protocol/wide_numbers.h"

namespace tickmlp::serve {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using Field = std::optional<element>;

constexpr std::string_view kRegion = "shared_memory_region";
constexpr std::size_t kKeptJson = 1 << 20;  // what a thread keeps memory for

// A double rounded to float32, as numpy does it. Beyond its range there is no such number.
Refusal append_number(element value, std::vector<float>* out) {
  const auto wrong = [&](const char* expected) {
    return bad_request("input: data[" + std::to_string(out->size()) + "] " + seen(value) + ": expected " + expected);
  };
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS) return wrong("numbers");
  const auto narrow = static_cast<float>(number);
  if (!std::isfinite(narrow)) return wrong("numbers within float32's range");
  out->push_back(narrow);
  return {};
}

// Flat, or nested once as [states][inputs]: then each row must have its length.
Refusal append_data(array data, std::size_t row, std::size_t most, std::vector<float>* out) {
  for (const element value : data) {
    array inner;
    if (value.get(inner) == simdjson::SUCCESS) {
      const std::size_t before = out->size();
      if (before % row != 0) return bad_request("input: data: rows and numbers mixed: expected one of them");
      for (const element number : inner)
        if (const Refusal refusal = append_number(number, out)) return refusal;
      if (out->size() - before != row)
        return bad_request("input: data: a row of " + std::to_string(out->size() - before) + " numbers: expected " +
                           std::to_string(row));
    } else if (const Refusal refusal = append_number(value, out)) {
      return refusal;
    }
    if (out->size() > most)
      return bad_request("input: data: " + std::to_string(out->size()) + " or more numbers: its shape says " +
                         std::to_string(most));
  }
  return {};
}

Refusal no_region(std::string_view what) {
  return bad_request(std::string(what) + ": shared_memory_region: not offered over HTTP");
}

// Of a request or an output: what flag it sets, and that it asks for nothing that is not offered and would change the
// answer, or where it goes. Others are passed over, as the protocol asks.
Refusal read_parameters(const Field& parameters, std::string_view what, std::string_view flag, bool* out) {
  if (!parameters) return {};
  object members;
  if (parameters->get(members) != simdjson::SUCCESS)
    return bad_request("parameters " + seen(parameters) + ": expected an object");
  std::array<Field, 3> fields;
  if (const Refusal refusal = take_fields(members, "parameters", {flag, "classification", kRegion}, &fields))
    return refusal;
  if (fields[0] && fields[0]->get(*out) != simdjson::SUCCESS)
    return bad_request(std::string(flag) + " " + seen(fields[0]) + ": expected true or false");
  if (fields[1])
    return bad_request(std::string(what) + ": classification: not offered: the outputs are probabilities and values");
  if (fields[2]) return no_region(what);
  return {};
}

Refusal read_outputs(const Shape& shape, array wanted, bool binary, std::vector<WantedOutput>* out) {
  for (const element one : wanted) {
    object members;
    if (one.get(members) != simdjson::SUCCESS) return bad_request("outputs: " + seen(one) + ": expected objects");
    std::array<Field, 2> fields;
    if (const Refusal refusal = take_fields(members, "outputs", {"name", "parameters"}, &fields)) return refusal;
    std::string_view name;
    if (!fields[0] || fields[0]->get(name) != simdjson::SUCCESS)
      return bad_request("outputs: name " + seen(fields[0]) + ": expected a text");
    const auto head = std::find_if(shape.heads.begin(), shape.heads.end(),
                                   [&](const HeadShape& candidate) { return candidate.name == name; });
    if (head == shape.heads.end()) return bad_request("outputs: the model has no " + cut_text(name));
    const auto index = static_cast<std::uint32_t>(head - shape.heads.begin());
    for (const WantedOutput& earlier : *out)
      if (earlier.head == index) return bad_request("outputs: " + std::string(name) + " twice: expected once");
    WantedOutput output{index, binary};
    if (const Refusal refusal = read_parameters(fields[1], "outputs", "binary_data", &output.binary)) return refusal;
    out->push_back(output);
  }
  return {};
}

void want_all(const Shape& shape, bool binary, std::vector<WantedOutput>* out) {
  for (std::uint32_t head = 0; head < shape.heads.size(); ++head) out->push_back({head, binary});
}

}  // namespace

Refusal InferRequestReader::read(const Shape& shape, std::string_view body, std::optional<std::size_t> json_bytes,
                                 InferRequest* out) {
  out->id.clear();
  out->states = 0;
  out->inputs.clear();
  out->outputs.clear();
  if (json_bytes == std::size_t{0}) return read_raw(shape, body, out);
  if (json_bytes && *json_bytes > body.size())
    return bad_request("Inference-Header-Content-Length: " + std::to_string(*json_bytes) + " of a body of " +
                       std::to_string(body.size()) + " bytes");
  const std::size_t bytes = json_bytes.value_or(body.size());
  Refusal refusal = read_json(shape, body.substr(0, bytes), body.substr(bytes), out);
  if (parser_.capacity() > kKeptJson) parser_ = simdjson::dom::parser();  // it takes 13 bytes for each of the JSON's
  return refusal;
}

Refusal InferRequestReader::check_states(std::uint64_t states) const {
  if (states >= 1 && states <= max_states_) return {};
  return bad_request("input: " + std::to_string(states) + " states: expected 1 to " + std::to_string(max_states_));
}

Refusal InferRequestReader::read_raw(const Shape& shape, std::string_view body, InferRequest* out) const {
  const std::size_t row = shape.inputs * sizeof(float);
  if (body.empty() || body.size() % row != 0)
    return bad_request("raw body of " + std::to_string(body.size()) + " bytes: expected a multiple of " +
                       std::to_string(row) + ": " + std::to_string(shape.inputs) + " float32 a state");
  out->states = body.size() / row;
  if (const Refusal refusal = check_states(out->states)) return refusal;
  out->inputs.resize(out->states * shape.inputs);
  std::memcpy(out->inputs.data(), body.data(), body.size());
  want_all(shape, true, &out->outputs);
  return {};
}

// `json` has kBodyPadding readable bytes behind its end, and may go once it is parsed.
simdjson::error_code InferRequestReader::parse(std::string_view json, element* document) {
  if (parser_.capacity() < json.size() || parser_.max_depth() != kJsonDepth)
    if (const auto error = parser_.allocate(std::max<std::size_t>(json.size(), 16384), kJsonDepth)) return error;
  return parser_.parse(json.data(), json.size(), false).get(*document);
}

Refusal InferRequestReader::read_json(const Shape& shape, std::string_view json, std::string_view binary,
                                      InferRequest* out) {
  element document;
  auto error = parse(json, &document);
  if (error == simdjson::NUMBER_ERROR) {  // perhaps only an integer beyond 64 bits
    std::string widened;
    if (const std::string_view beyond = widen_integers(json, &widened); !beyond.empty())
      return bad_request("number " + cut_text(beyond) + ": expected one within float32's range");
    error = parse(widened, &document);
  }
  if (error == simdjson::MEMALLOC) return {Code::internal, "out of memory"};
  if (error != simdjson::SUCCESS) return bad_request(std::string("no JSON: ") + simdjson::error_message(error));
  object members;
  if (document.get(members) != simdjson::SUCCESS) return bad_request("JSON " + seen(document) + ": expected an object");
  std::array<Field, 4> fields;
  if (const Refusal refusal = take_fields(members, "request", {"id", "inputs", "outputs", "parameters"}, &fields))
    return refusal;
  if (fields[0]) {
    std::string_view id;
    if (fields[0]->get(id) != simdjson::SUCCESS) return bad_request("id " + seen(fields[0]) + ": expected a text");
    out->id = json_text(id);
  }
  bool all_binary = false;
  if (const Refusal refusal = read_parameters(fields[3], "request", "binary_data_output", &all_binary)) return refusal;
  array inputs, outputs;
  object input;
  if (!fields[1] || fields[1]->get(inputs) != simdjson::SUCCESS || inputs.size() != 1 ||
      inputs.at(0).get(input) != simdjson::SUCCESS)
    return bad_request("inputs " + seen(fields[1]) + ": expected a list of one tensor, an object");
  if (const Refusal refusal = read_input(shape, input, binary, out)) return refusal;
  if (fields[2]) {
    if (fields[2]->get(outputs) != simdjson::SUCCESS)
      return bad_request("outputs " + seen(fields[2]) + ": expected a list");
    if (const Refusal refusal = read_outputs(shape, outputs, all_binary, &out->outputs)) return refusal;
  }
  if (out->outputs.empty()) want_all(shape, all_binary, &out->outputs);
  return {};
}

Refusal InferRequestReader::read_input(const Shape& shape, object input, std::string_view binary,
                                       InferRequest* out) const {
  std::array<Field, 5> fields;
  if (const Refusal refusal = take_fields(input, "input", {"name", "shape", "datatype", "parameters", "data"}, &fields))
    return refusal;
  std::string_view name, datatype;
  if (!fields[0] || fields[0]->get(name) != simdjson::SUCCESS || name != kInputName)
    return bad_request("inputs: name " + seen(fields[0]) + ": expected " + quote(kInputName));
  if (!fields[2] || fields[2]->get(datatype) != simdjson::SUCCESS || datatype != "FP32")
    return bad_request("input: datatype " + seen(fields[2]) + ": expected \"FP32\"");
  array sizes;
  std::optional<std::uint64_t> states, columns;
  if (fields[1] && fields[1]->get(sizes) == simdjson::SUCCESS && sizes.size() == 2) {
    states = whole_number(sizes.at(0).value());
    columns = whole_number(sizes.at(1).value());
  }
  if (!states || columns != shape.inputs)
    return bad_request("input: shape " + seen(fields[1]) + ": expected [states, " + std::to_string(shape.inputs) + "]");
  if (const Refusal refusal = check_states(*states)) return refusal;
  out->states = *states;
  const std::size_t count = *states * shape.inputs;

  std::optional<std::uint64_t> binary_bytes;
  if (fields[3]) {
    object parameters;
    if (fields[3]->get(parameters) != simdjson::SUCCESS)
      return bad_request("input: parameters " + seen(fields[3]) + ": expected an object");
    std::array<Field, 2> size;
    if (const Refusal refusal = take_fields(parameters, "parameters", {"binary_data_size", kRegion}, &size))
      return refusal;
    if (size[1]) return no_region("input");
    if (size[0] && !(binary_bytes = whole_number(size[0])))
      return bad_request("binary_data_size " + seen(size[0]) + ": expected a whole number");
  }
  if (binary_bytes) {
    if (fields[4]) return bad_request("input: data and binary_data_size: expected one of them");
    if (*binary_bytes != count * sizeof(float) || binary.size() != *binary_bytes)
      return bad_request("binary data: binary_data_size " + std::to_string(*binary_bytes) + " and " +
                         std::to_string(binary.size()) + " bytes behind the JSON: expected " +
                         std::to_string(count * sizeof(float)));
    out->inputs.resize(count);
    std::memcpy(out->inputs.data(), binary.data(), binary.size());
    return {};
  }
  if (!binary.empty())
    return bad_request(std::to_string(binary.size()) +
                       " bytes behind the JSON: expected none without binary_data_size");
  array data;
  if (!fields[4] || fields[4]->get(data) != simdjson::SUCCESS)
    return bad_request("input: data " + seen(fields[4]) + ": expected a list");
  out->inputs.reserve(count);
  if (const Refusal refusal = append_data(data, shape.inputs, count, &out->inputs)) return refusal;
  if (out->inputs.size() != count)
    return bad_request("input: data: " + std::to_string(out->inputs.size()) + " numbers: its shape says " +
                       std::to_string(count));
  return {};
}

}  // namespace tickmlp::serve
