// SPDX-License-Identifier: Apache-2.0
#include "serve/http/routes.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "serve/protocol/infer_answer.h"

namespace tickmlp::serve {
namespace {

using nlohmann::json;

// Compressing fewer bytes than go into one packet anyway costs more time (10 us) than it saves.
constexpr std::size_t kLeastGzip = 1400;

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
  const char* allowed = method == Incoming::Method::get ? "GET, HEAD" : "POST";
  return {Code::method_not_allowed, std::string("expected ") + allowed, 0, allowed};
}

// Bodies of the repository's routes: a few members. Not JSON, or nested deeply: discarded.
json parse_small(std::string_view body) {
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth < 8; };
  return body.size() > 65536 ? json(json::value_t::discarded) : json::parse(body, shallow, false);
}

// {"parameters": {...}}, or nothing. Other servers take a configuration or a model's bytes there; models of this one
// come out of its folder alone. A rollback may say to which version.
Refusal read_change(std::string_view body, const std::string& what, std::optional<std::uint64_t>* version) {
  if (body.empty()) return {};
  const json asked = parse_small(body);
  if (!asked.is_object()) return {Code::bad_request, what + ": expected nothing or a JSON object"};
  const json parameters = asked.value("parameters", json::object());
  for (const auto& [name, value] : parameters.items()) {
    if (what == "rollback" && name == "version" && value.is_number_unsigned()) *version = value.get<std::uint64_t>();
    else if (what != "unload")
      return {Code::bad_request, what + ": parameters: " + name + ": expected " +
                                     (what == "rollback" ? "version, a whole number" : "none")};
  }
  return {};
}

// Compares without telling by its time how much of the token was right.
bool is_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return false;
  authorization.remove_prefix(kScheme.size());
  unsigned char difference = authorization.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < authorization.size(); ++i)
    difference |= static_cast<unsigned char>(authorization[i] ^ token[i % token.size()]);
  return difference == 0;
}

}  // namespace

Routes::Routes(const RouteOptions& options, Repository& repository, std::string thread_name)
    : options_(options),
      repository_(repository),
      models_(repository, std::move(thread_name)),
      reader_(options.max_states) {}

bool Routes::handle(const Incoming& incoming, std::string_view body, bool draining, Answer* answer, Later* later) {
  models_.refresh();
  Refusal refusal;
  if (!incoming.content_encoding.empty() && incoming.content_encoding != "identity") {
    refusal = inflater_.inflate(incoming.content_encoding, body, options_.max_body_bytes, &inflated_);
    body = inflated_;
  }
  if (!refusal) refusal = route(incoming, body, draining, answer, later);
  if (refusal) answer->refuse(refusal);
  else if (*later) return false;
  if (incoming.accepts_gzip && answer->body.size() >= kLeastGzip && deflater_.gzip(&answer->body))
    answer->fields += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
  return true;
}

Refusal Routes::route(const Incoming& incoming, std::string_view body, bool draining, Answer* answer, Later* later) {
  std::string_view rest = incoming.path;
  rest.remove_prefix(1);
  if (next_part(&rest) != "v2") return kNoRoute;
  const std::string_view part = next_part(&rest);
  if (part == "models") return models(incoming, rest, body, answer);
  if (part == "repository" && rest == "index") {
    if (const Refusal refusal = expect(incoming, Incoming::Method::post)) return refusal;
    return repository_index(body, answer);
  }
  if (part == "repository") return repository_change(incoming, rest, body, later);
  const bool health = part == "health" && (rest == "live" || rest == "ready");
  if (!health && (!part.empty() || !rest.empty())) return kNoRoute;
  if (const Refusal refusal = expect(incoming, Incoming::Method::get)) return refusal;
  if (!health) server_metadata(answer);
  if (rest != "ready") return {};
  if (draining) return {Code::unavailable, "the server is shutting down"};
  if (!repository_.ready()) return {Code::unavailable, "a model of the repository is not served"};
  return {};
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

Refusal Routes::repository_index(std::string_view body, Answer* answer) const {
  bool ready_only = false;
  if (!body.empty()) {
    const json asked = parse_small(body);
    if (!asked.is_object() || (asked.contains("ready") && !asked["ready"].is_boolean()))
      return {Code::bad_request, "index: expected nothing, {} or {\"ready\": true}"};
    ready_only = asked.value("ready", false);
  }
  json rows = json::array();
  for (const IndexRow& row : repository_.index()) {
    if (ready_only && row.state != "READY") continue;
    rows.push_back({{"name", row.name}, {"version", row.version}, {"state", row.state}, {"reason", row.reason}});
  }
  answer->body = rows.dump(-1, ' ', false, json::error_handler_t::replace);
  return {};
}

// models/NAME/load, unload and rollback
Refusal Routes::repository_change(const Incoming& incoming, std::string_view rest, std::string_view body,
                                  Later* later) const {
  if (next_part(&rest) != "models") return kNoRoute;
  const std::string name(next_part(&rest));
  const std::string what(rest);
  if (what != "load" && what != "unload" && what != "rollback") return kNoRoute;
  if (options_.admin_token.empty())
    return {Code::forbidden, "loading and unloading are switched off: --admin-token-file switches them on"};
  if (!is_token(incoming.authorization, options_.admin_token))
    return {Code::unauthorised, "expected the header Authorization: Bearer TOKEN with the server's token"};
  if (const Refusal refusal = expect(incoming, Incoming::Method::post)) return refusal;
  std::optional<std::uint64_t> version;
  if (const Refusal refusal = read_change(body, what, &version)) return refusal;
  *later = [&repository = repository_, name, what, version](Answer* answer) {
    const Refusal refusal = what == "load"     ? repository.load(name)
                            : what == "unload" ? repository.unload(name)
                                               : repository.rollback(name, version);
    if (refusal) answer->refuse(refusal);
    else answer->body = "{}";
  };
  return {};
}

}  // namespace tickmlp::serve
