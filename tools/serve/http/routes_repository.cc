// SPDX-License-Identifier: Apache-2.0
// The model repository extension: index, load, unload; and rollback, which is ours.
#include <new>

#include "serve/admin_token.h"
#include "serve/http/paths.h"
#include "serve/http/routes.h"
#include "serve/json_text.h"
#include "serve/protocol/fields.h"

namespace tickmlp::serve {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMostBytes = 65536;  // of a body: a few members
constexpr std::size_t kDepth = 8;

// *out lives as long as the parser.
Refusal read_object(std::string_view body, const std::string& what, const char* expected, simdjson::dom::parser* parser,
                    object* out) {
  const simdjson::padded_string padded(body.substr(0, kMostBytes));
  if (padded.data() == nullptr || parser->allocate(padded.size(), kDepth) != simdjson::SUCCESS) throw std::bad_alloc();
  if (body.size() <= kMostBytes && parser->parse(padded).get(*out) == simdjson::SUCCESS) return {};
  return bad_request(what + ": " + quote(body) + ": expected " + expected);
}

// A version as the protocol writes it, a text, or as a number.
std::optional<std::uint64_t> version_of(const element& value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? read_whole(text) : whole_number(value);
}

// {"parameters": {...}}, or nothing. Other servers take a configuration or a model's bytes there; models of this one
// come out of its folder alone. A rollback may say to which version.
Refusal read_change(std::string_view body, const std::string& what, std::optional<std::uint64_t>* version) {
  if (body.empty()) return {};
  simdjson::dom::parser parser;
  object asked, parameters;
  std::array<std::optional<element>, 1> fields;
  if (const Refusal refusal = read_object(body, what, "nothing or a JSON object", &parser, &asked)) return refusal;
  if (const Refusal refusal = take_fields(asked, what, {"parameters"}, &fields)) return refusal;
  if (!fields[0]) return {};
  if (fields[0]->get(parameters) != simdjson::SUCCESS)
    return bad_request(what + ": parameters " + seen(fields[0]) + ": expected an object");
  for (const auto [name, value] : parameters) {
    if (what == "rollback" && name == "version") {
      if (*version) return bad_request(what + ": parameters: version stands twice: expected once");
      if ((*version = version_of(value))) continue;
    }
    if (what != "unload")
      return bad_request(what + ": parameters: " + cut_text(name) + " " + seen(value) + ": expected " +
                         (what == "rollback" ? "version, a whole number" : "none"));
  }
  return {};
}

}  // namespace

Refusal Routes::repository_index(std::string_view body, Answer* answer) const {
  bool ready_only = false;
  if (!body.empty()) {
    simdjson::dom::parser parser;
    object asked;
    std::array<std::optional<element>, 1> fields;
    const char* const expected = "nothing, {} or {\"ready\": true}";
    if (const Refusal refusal = read_object(body, "index", expected, &parser, &asked)) return refusal;
    if (const Refusal refusal = take_fields(asked, "index", {"ready"}, &fields)) return refusal;
    if (fields[0] && fields[0]->get(ready_only) != simdjson::SUCCESS)
      return bad_request("index: ready " + seen(fields[0]) + ": expected true or false");
  }
  JsonText out;
  out.open('[');
  for (const IndexRow& row : repository_.index()) {
    if (ready_only && row.state != "READY") continue;
    out.open('{');
    out.add("name", row.name);
    out.add("version", row.version);
    out.add("state", row.state);
    out.add("reason", row.reason);
    out.close('}');
  }
  out.close(']');
  answer->body = out.take();
  return {};
}

// models/NAME/load, unload and rollback
Refusal Routes::repository_change(const Incoming& incoming, std::string_view rest, std::string_view body,
                                  Later* later) const {
  if (next_part(&rest) != "models") return no_route(incoming);
  const std::string name(next_part(&rest));
  const std::string what(rest);
  if (what != "load" && what != "unload" && what != "rollback") return no_route(incoming);
  if (const Refusal refusal = check_admin_token(incoming.authorization, options_.admin_token)) return refusal;
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
