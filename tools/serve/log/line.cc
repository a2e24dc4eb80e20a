// SPDX-License-Identifier: Apache-2.0
#include "serve/log/line.h"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

namespace tickmlp::serve {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(LogLevel level) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error", "off"};
  return kNames[static_cast<int>(level)];
}

// 2026-01-31T23:59:59.123456Z
std::string time_text(std::uint64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[48];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%06uZ", static_cast<unsigned>(ns / 1000 % 1'000'000));
  return text;
}

std::uint64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

Json begin(std::uint64_t ns, LogLevel level, std::string_view event) {
  return {{"time", time_text(ns)}, {"level", name_of(level)}, {"event", event}};
}

std::string line(const Json& object) { return object.dump(-1, ' ', true, Json::error_handler_t::replace); }

// The id's JSON text as the text it stands for; as it is where it was cut, and over gRPC, whose ids are texts.
Json id_value(const ShortText<64>& id, Protocol protocol) {
  Json value =
      id.cut || protocol != Protocol::http ? Json(Json::value_t::discarded) : Json::parse(id.view(), nullptr, false);
  return value.is_string() ? value : Json(id.view());
}

}  // namespace

std::string event_line(LogLevel level, std::string_view event, std::string_view message,
                       std::initializer_list<LogField> fields) {
  Json object = begin(now_ns(), level, event);
  for (const LogField& field : fields) {
    if (field.is_number) object[std::string(field.name)] = field.number;
    else object[std::string(field.name)] = field.text;
  }
  object["message"] = message;
  return line(object);
}

std::string access_line(LogLevel level, const AccessLog& from, const AccessRecord& record) {
  Json object = begin(record.ended_ns, level, "request");
  object["thread"] = from.thread();
  object["protocol"] = kProtocols[static_cast<std::size_t>(from.protocol())];
  object["method"] = record.method.view();
  object["path"] = record.path.view();
  if (record.path.cut) object["path_cut"] = true;
  object["status"] = record.status;
  if (record.reason.size != 0) object["reason"] = record.reason.view();
  if (record.reason.cut) object["reason_cut"] = true;
  if (record.model != nullptr) {
    object["model"] = record.model->name;
    object["version"] = std::to_string(record.generation);
    object["states"] = record.states;
    if (record.cached) object["cached"] = true;
  }
  object["received_bytes"] = record.received_bytes;
  object["sent_bytes"] = record.sent_bytes;
  for (std::size_t i = 0; i < record.times.size(); ++i)
    object[std::string(kStages[i]) + "_us"] = static_cast<double>(record.times[i]) / 1000;
  if (record.id.size != 0) object["id"] = id_value(record.id, from.protocol());
  if (record.traceparent.size != 0) object["traceparent"] = record.traceparent.view();
  return line(object);
}

}  // namespace tickmlp::serve
