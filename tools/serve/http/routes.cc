// SPDX-License-Identifier: Apache-2.0
#include "serve/http/routes.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "serve/engine/choose.h"
#include "serve/http/paths.h"
#include "serve/metrics/exposition.h"
#include "serve/metrics/statistics.h"
#include "serve/protocol/infer_answer.h"

namespace tickmlp::serve {
namespace {

using nlohmann::json;

// Compressing fewer bytes than go into one packet anyway costs more time (10 us) than it saves.
constexpr std::size_t kLeastGzip = 1400;

}  // namespace

Routes::Routes(const RouteOptions& options, Repository& repository, Shadows& shadows, std::string thread_name,
               Metrics& metrics, Meter& meter, const ServerFacts& facts)
    : options_(options),
      repository_(repository),
      metrics_(metrics),
      meter_(meter),
      facts_(facts),
      models_(repository, std::move(thread_name), &shadows, options.breaker),
      reader_(options.max_states) {
  models_.count(metrics, meter.figures());
  if (options.cache.entries != 0) models_.keep_answers(options.cache.entries, options.cache.ttl_ns);
}

bool Routes::handle(const Incoming& incoming, std::string_view body, std::string_view not_ready, Answer* answer,
                    Later* later) {
  models_.refresh();
  Refusal refusal;
  if (!incoming.content_encoding.empty() && incoming.content_encoding != "identity") {
    refusal = inflater_.inflate(incoming.content_encoding, body, options_.max_body_bytes, &inflated_);
    body = inflated_;
  }
  if (!refusal) refusal = route(incoming, body, not_ready, answer, later);
  if (refusal) answer->refuse(refusal);
  else if (*later) return false;
  if (incoming.accepts_gzip && answer->body.size() >= kLeastGzip && deflater_.gzip(&answer->body))
    answer->fields += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
  return true;
}

Refusal Routes::route(const Incoming& incoming, std::string_view body, std::string_view not_ready, Answer* answer,
                      Later* later) {
  std::string_view rest = incoming.path;
  rest.remove_prefix(1);
  const std::string_view top = next_part(&rest);
  if (top == "metrics" && rest.empty()) {
    if (const Refusal refusal = expect(incoming, Incoming::Method::get)) return refusal;
    *later = metrics(!not_ready.empty());
    return {};
  }
  if (top != "v2") return no_route();
  const std::string_view part = next_part(&rest);
  if (part == "models") return models(incoming, rest, body, answer, later);
  if (part == "repository" && rest == "index") {
    if (const Refusal refusal = expect(incoming, Incoming::Method::post)) return refusal;
    return repository_index(body, answer);
  }
  if (part == "repository") return repository_change(incoming, rest, body, later);
  const bool health = part == "health" && (rest == "live" || rest == "ready");
  if (!health && (!part.empty() || !rest.empty())) return no_route();
  if (const Refusal refusal = expect(incoming, Incoming::Method::get)) return refusal;
  if (!health) server_metadata(answer);
  if (rest != "ready") return {};
  if (!not_ready.empty()) return {Code::unavailable, std::string(not_ready)};
  if (!repository_.ready()) return {Code::unavailable, "a model of the repository is not served"};
  return {};
}

Refusal Routes::choose(const Incoming& incoming, std::string_view name, ThreadModel** out) {
  return choose_model(models_, options_.splits, name, incoming.key, incoming.method == Incoming::Method::post, out);
}

Refusal Routes::models(const Incoming& incoming, std::string_view rest, std::string_view body, Answer* answer,
                       Later* later) {
  const std::string_view name = next_part(&rest);
  if (name == "stats" && rest.empty()) {
    *later = statistics("", {});
    return expect(incoming, Incoming::Method::get);
  }
  ThreadModel* model = nullptr;
  if (const Refusal refusal = choose(incoming, name, &model)) return refusal;
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
  if (!rest.empty()) return no_route();
  if (part == "infer") {
    const Refusal refusal = expect(incoming, Incoming::Method::post);
    return refusal ? refusal : infer(*model, version, incoming, body, answer);
  }
  if (!part.empty() && part != "ready" && part != "stats" && (part != "shadow" || model->shadow.owner() == nullptr))
    return no_route();
  if (const Refusal refusal = expect(incoming, Incoming::Method::get)) return refusal;
  if (part == "ready") return check_arms(models_, options_.splits, name);
  if (part == "stats") *later = statistics(model->served->name, version);
  if (part.empty()) model_metadata(*model, answer);
  if (part == "shadow") shadow_figures(*model, answer);
  return {};
}

Refusal Routes::infer(ThreadModel& model, std::optional<std::uint64_t> version, const Incoming& incoming,
                      std::string_view body, Answer* answer) {
  const Shape& shape = model.served->shape;
  Exchange& exchange = meter_.current();
  exchange.model = model.figures;
  exchange.generation = version.value_or(model.generation);
  if (!incoming.has_length)
    return {Code::length_required, "an inference's body: expected Content-Length or Transfer-Encoding: chunked"};
  const Refusal unreadable = reader_.read(shape, body, incoming.inference_header_bytes, &request_);
  answer->id = request_.id;  // as far as it was read, so that the log can tell which request was refused
  if (unreadable) return unreadable;
  outputs_.resize(request_.states * shape.outputs);
  exchange.states = request_.states;
  const Inferred inferred = models_.infer(model, version, request_.inputs, request_.states, outputs_.data());
  exchange.note(inferred.generation, inferred.cached, inferred.begin, inferred.end);
  if (inferred.refusal) return inferred.refusal;
  answer->inference_header_bytes =
      append_infer_answer(shape, model.served->quoted, inferred.generation, request_, outputs_.data(), &answer->body);
  if (answer->inference_header_bytes != 0) answer->content_type = "application/octet-stream";
  if (inferred.watched) offer_to_shadow(model, request_.inputs.data(), request_.states, outputs_.data());
  return {};
}

// Both read other threads' figures, a tenth of a millisecond and more: not in a serving thread.
Routes::Later Routes::metrics(bool draining) const {
  // Not `this`, which goes with its thread.
  return [&metrics = metrics_, &repository = repository_, &facts = facts_, triton = options_.triton_metrics,
          draining](Answer* answer) {
    const auto value = [](const std::function<std::uint64_t()>& fact) { return fact ? fact() : 0; };
    const ServerState state{!draining && repository.ready(), value(facts.shed), value(facts.stuck_threads),
                            value(facts.log_lost), repository.index()};
    answer->content_type = kExpositionType;
    answer->body = exposition(metrics, state);
    if (triton) answer->body += triton_exposition(metrics, state);
  };
}

Routes::Later Routes::statistics(std::string name, std::optional<std::uint64_t> version) const {
  return [&metrics = metrics_, &repository = repository_, name = std::move(name), version](Answer* answer) {
    answer->body = statistics_json(metrics, repository.index(), name, version);
  };
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
  for (const auto& other : model.others)
    if (std::to_string(other.first) != versions[0]) versions.push_back(std::to_string(other.first));
  answer->body = json{
      {"name", model.served->name},
      {"versions", versions},
      {"platform", "tickmlp"},
      {"inputs", {{{"name", kInputName}, {"datatype", "FP32"}, {"shape", {-1, shape.inputs}}}}},
      {"outputs",
       outputs}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

void Routes::shadow_figures(const ThreadModel& model, Answer* answer) const {
  const ShadowFigures figures = model.shadow.owner()->figures();
  answer->body = json{{"primary", figures.pair.primary},
                      {"candidate", figures.pair.candidate},
                      {"candidate_version", std::to_string(figures.generation)},
                      {"every", figures.pair.every},
                      {"offered", figures.sum.offered},
                      {"dropped", figures.sum.dropped},
                      {"compared", figures.sum.compared},
                      {"refused", figures.sum.refused},
                      {"identical", figures.sum.identical},
                      {"same_argmax", figures.sum.same_argmax},
                      {"largest_probability_difference", figures.sum.largest_probability_difference},
                      {"largest_value_difference", figures.sum.largest_value_difference},
                      {"candidate_p50_ns", figures.p50_ns},
                      {"candidate_p99_ns", figures.p99_ns}}
                     .dump();
}

}  // namespace tickmlp::serve
