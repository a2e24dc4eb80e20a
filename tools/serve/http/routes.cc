// SPDX-License-Identifier: Apache-2.0
#include "serve/http/routes.h"

#include "serve/engine/choose.h"
#include "serve/http/paths.h"
#include "serve/json_text.h"
#include "serve/metrics/exposition.h"
#include "serve/metrics/statistics.h"
#include "serve/protocol/fields.h"
#include "serve/protocol/infer_answer.h"

namespace tickmlp::serve {
namespace {

// Compressing fewer bytes than go into one packet anyway costs more time (10 us) than it saves.
constexpr std::size_t kLeastGzip = 1400;

}  // namespace

void compress(Deflater* deflater, Answer* answer) {
  if (answer->body.size() >= kLeastGzip && deflater->gzip(&answer->body))
    answer->fields += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
}

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
  if (incoming.accepts_gzip) compress(&deflater_, answer);
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
  if (top != "v2") return no_route(incoming);
  const std::string_view part = next_part(&rest);
  if (part == "models") return models(incoming, rest, body, answer, later);
  if (part == "repository" && rest == "index") {
    if (const Refusal refusal = expect(incoming, Incoming::Method::post)) return refusal;
    return repository_index(body, answer);
  }
  if (part == "repository") return repository_change(incoming, rest, body, later);
  const bool health = part == "health" && (rest == "live" || rest == "ready");
  if (!health && (!part.empty() || !rest.empty())) return no_route(incoming);
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
  const std::string_view name = decoded_name(next_part(&rest), &name_);
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
    version = read_whole(digits);
    if (!version) return {Code::not_found, "no version " + quote(digits) + ": expected a generation, a whole number"};
    part = next_part(&rest);
    if (!model->has_version(*version))
      return {Code::not_found, "model " + model->served->name + " has no version " + std::to_string(*version)};
  }
  if (!rest.empty()) return no_route(incoming);
  if (part == "infer") {
    const Refusal refusal = expect(incoming, Incoming::Method::post);
    return refusal ? refusal : infer(*model, version, incoming, body, answer);
  }
  if (!part.empty() && part != "ready" && part != "stats" && (part != "shadow" || model->shadow.owner() == nullptr))
    return no_route(incoming);
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
  models_.executed(model, inferred, request_.states);
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
  JsonText out;
  out.open('{');
  out.add("name", "tickmlp");
  out.add("version", tickmlp_version());
  out.open('[', "extensions");
  for (const char* extension : {"binary_tensor_data", "model_repository", "statistics"}) out.add({}, extension);
  out.close(']');
  out.close('}');
  answer->body = out.take();
}

void Routes::model_metadata(const ThreadModel& model, Answer* answer) const {
  const Shape& shape = model.served->shape;
  JsonText out;
  const auto tensor = [&](std::string_view name, std::uint32_t columns) {
    out.open('{');
    out.add("name", name);
    out.add("datatype", "FP32");
    out.open('[', "shape");
    out.add({}, -1);
    out.add({}, columns);
    out.close(']');
    out.close('}');
  };
  out.open('{');
  out.add("name", model.served->name);
  out.open('[', "versions");
  for (const std::uint64_t generation : versions_of(model)) out.add({}, std::to_string(generation));
  out.close(']');
  out.add("platform", "tickmlp");
  out.open('[', "inputs");
  tensor(kInputName, shape.inputs);
  out.close(']');
  out.open('[', "outputs");
  for (const HeadShape& head : shape.heads) tensor(head.name, head.outputs);
  out.close(']');
  out.close('}');
  answer->body = out.take();
}

void Routes::shadow_figures(const ThreadModel& model, Answer* answer) const {
  const ShadowFigures figures = model.shadow.owner()->figures();
  JsonText out;
  out.open('{');
  out.add("primary", figures.pair.primary);
  out.add("candidate", figures.pair.candidate);
  out.add("candidate_version", std::to_string(figures.generation));
  out.add("every", figures.pair.every);
  out.add("offered", figures.sum.offered);
  out.add("dropped", figures.sum.dropped);
  out.add("compared", figures.sum.compared);
  out.add("refused", figures.sum.refused);
  out.add("identical", figures.sum.identical);
  out.add("same_argmax", figures.sum.same_argmax);
  out.add("largest_probability_difference", figures.sum.largest_probability_difference);
  out.add("largest_value_difference", figures.sum.largest_value_difference);
  out.add("candidate_p50_ns", figures.p50_ns);
  out.add("candidate_p99_ns", figures.p99_ns);
  out.close('}');
  answer->body = out.take();
}

}  // namespace tickmlp::serve
