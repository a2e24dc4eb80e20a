// SPDX-License-Identifier: Apache-2.0
#include "serve/http/routes.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "serve/admin_token.h"
#include "serve/protocol/infer_answer.h"

namespace tickmlp::serve {
namespace {

using nlohmann::json;

const Refusal kNoRoute{Code::not_found, "no such route: docs/SERVING.md has them all"};

// "a/b/c" -> "a", leaving "b/c".
std::string_view next_part(std::string_view* path) {
  const std::size_t slash = path->find('/');
  const std::string_view part = path->substr(0, slash);
  path->remove_prefix(slash == std::string_view::npos ? path->size() : slash + 1);
  return part;
}

Refusal expect(const Incoming& incoming, Incoming::Method method) {
  const bool fits =
      incoming.method == method || (method == Incoming::Method::get && incoming.method == Incoming::Method::head);
  if (fits) return {};
  return {Code::method_not_allowed, method == Incoming::Method::get ? "expected GET" : "expected POST"};
}

}  // namespace

Routes::Routes(const RouteOptions& options, Repository& repository, std::string thread_name)
    : options_(options),
      repository_(repository),
      models_(repository, std::move(thread_name)),
      reader_(options.max_states) {}

bool Routes::handle(const Incoming& incoming, std::string_view body, bool draining, Answer* answer, Later* later) {
  models_.refresh();
  std::string_view rest = incoming.path;
  rest.remove_prefix(1);
  Refusal refusal = kNoRoute;
  if (next_part(&rest) == "v2") {
    const std::string_view part = next_part(&rest);
    if (part == "models") {
      refusal = models(incoming, rest, body, answer);
    } else if (part == "repository" && rest == "index") {
      if (!(refusal = expect(incoming, Incoming::Method::post))) repository_index(body, answer);
    } else if (part == "repository") {
      if (!(refusal = repository_change(incoming, rest, later))) return false;
    } else if (part.empty() && rest.empty()) {
      if (!(refusal = expect(incoming, Incoming::Method::get))) server_metadata(answer);
    } else if (part == "health" && (rest == "live" || rest == "ready")) {
      refusal = expect(incoming, Incoming::Method::get);
      if (!refusal && rest == "ready" && (draining || !repository_.ready()))
        refusal = {Code::unavailable,
                   draining ? "the server is shutting down" : "a model of the repository is not served"};
    }
  }
  if (refusal) answer->refuse(refusal);
  return true;
}

Refusal Routes::models(const Incoming& incoming, std::string_view rest, std::string_view body, Answer* answer) {
  const std::string_view name = next_part(&rest);
  ThreadModel* model = models_.find(name);
  if (model == nullptr) return {Code::not_found, "no model of that name is served"};
  std::optional<std::uint64_t> version;
  std::string_view part = next_part(&rest);
  if (part == "versions") {
    const std::string_view digits = next_part(&rest);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size())
      return {Code::not_found, "no such version: expected a generation, a whole number"};
    version = number;
    part = next_part(&rest);
    if (!model->has_version(number))
      return {Code::not_found, "model " + model->served->name + " has no version " + std::to_string(number)};
  }
  if (!rest.empty()) return kNoRoute;
  if (part == "infer") {
    const Refusal refusal = expect(incoming, Incoming::Method::post);
    return refusal ? refusal : infer(*model, version, incoming, body, answer);
  }
  if (!part.empty() && part != "ready") return kNoRoute;
  if (const Refusal refusal = expect(incoming, Incoming::Method::get)) return refusal;
  if (part.empty()) model_metadata(*model, answer);
  return {};
}

Refusal Routes::infer(ThreadModel& model, std::optional<std::uint64_t> version, const Incoming& incoming,
                      std::string_view body, Answer* answer) {
  const Shape& shape = model.served->shape;
  if (!incoming.has_length)
    return {Code::length_required, "an inference's body: expected Content-Length or Transfer-Encoding: chunked"};
  if (const Refusal refusal = reader_.read(shape, body, incoming.inference_header_bytes, &request_)) return refusal;
  outputs_.resize(request_.states * shape.outputs);
  const Inferred inferred = models_.infer(model, version, request_.inputs, request_.states, outputs_.data());
  if (inferred.refusal) return inferred.refusal;
  answer->inference_header_bytes =
      append_infer_answer(shape, model.served->quoted, inferred.generation, request_, outputs_.data(), &answer->body);
  if (answer->inference_header_bytes != 0) answer->content_type = "application/octet-stream";
  return {};
}

void Routes::server_metadata(Answer* answer) const {
  answer->body = json{{"name", "tickmlp"},
                      {"version", tickmlp_version()},
                      {"extensions", {"binary_tensor_data", "model_repository", "statistics"}}}
                     .dump();
}

void Routes::model_metadata(const ThreadModel& model, Answer* answer) const {
  const Shape& shape = model.served->shape;
  json outputs = json::array();
  for (const HeadShape& head : shape.heads)
    outputs.push_back({{"name", head.name}, {"datatype", "FP32"}, {"shape", {-1, head.outputs}}});
  json versions = json::array({std::to_string(model.served->current->state().generation)});
  for (const auto& other : model.others) versions.push_back(std::to_string(other.first));
  answer->body = json{
      {"name", model.served->name},
      {"versions", versions},
      {"platform", "tickmlp"},
      {"inputs", {{{"name", kInputName}, {"datatype", "FP32"}, {"shape", {-1, shape.inputs}}}}},
      {"outputs",
       outputs}}.dump();
}

void Routes::repository_index(std::string_view body, Answer* answer) const {
  const json asked = json::parse(body, nullptr, false);
  const bool ready_only = asked.is_object() && asked.contains("ready") && asked["ready"] == true;
  json rows = json::array();
  for (const IndexRow& row : repository_.index()) {
    if (ready_only && row.state != "READY") continue;
    rows.push_back({{"name", row.name}, {"version", row.version}, {"state", row.state}, {"reason", row.reason}});
  }
  answer->body = rows.dump(-1, ' ', false, json::error_handler_t::replace);
}

// models/NAME/load and models/NAME/unload
Refusal Routes::repository_change(const Incoming& incoming, std::string_view rest, Later* later) const {
  if (next_part(&rest) != "models") return kNoRoute;
  const std::string name(next_part(&rest));
  if (rest != "load" && rest != "unload") return kNoRoute;
  if (const Refusal refusal = check_admin_token(incoming.authorization, options_.admin_token)) return refusal;
  if (const Refusal refusal = expect(incoming, Incoming::Method::post)) return refusal;
  const bool unload = rest == "unload";
  *later = [&repository = repository_, name, unload](Answer* answer) {
    const Refusal refusal = unload ? repository.unload(name) : repository.load(name);
    if (refusal) answer->refuse(refusal);
    else answer->body = "{}";
  };
  return {};
}

}  // namespace tickmlp::serve
