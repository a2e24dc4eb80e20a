// SPDX-License-Identifier: Apache-2.0
// The model repository extension: index, load, unload; and rollback, which is ours.
#include <nlohmann/json.hpp>

#include "serve/admin_token.h"
#include "serve/http/paths.h"
#include "serve/http/routes.h"

namespace tickmlp::serve {
namespace {

using nlohmann::json;

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

}  // namespace

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
  if (next_part(&rest) != "models") return no_route();
  const std::string name(next_part(&rest));
  const std::string what(rest);
  if (what != "load" && what != "unload" && what != "rollback") return no_route();
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
