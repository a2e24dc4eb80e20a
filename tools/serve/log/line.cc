// SPDX-License-Identifier: Apache-2.0
#include "serve/log/line.h"

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "serve/json_text.h"

namespace tickmlp::serve {
namespace {

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

JsonText begin(std::uint64_t ns, LogLevel level, std::string_view event) {
  JsonText line(true);
  line.open('{');
  line.add("time", time_text(ns));
  line.add("level", name_of(level));
  line.add("event", event);
  return line;
}

std::string end(JsonText* line) {
  line->close('}');
  return line->take();
}

// The id's JSON text as the text it stands for; as it is where it was cut, and over gRPC, whose ids are texts.
std::string id_text(const ShortText<64>& id, Protocol protocol) {
  using Json = nlohmann::json;
  if (id.cut || protocol != Protocol::http) return std::string(id.view());
  const Json value = Json::parse(id.view(), nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string(id.view());
}

}  // namespace

std::string event_line(LogLevel level, std::string_view event, std::string_view message,
                       std::initializer_list<LogField> fields) {
  JsonText line = begin(now_ns(), level, event);
  for (const LogField& field : fields) {
    if (field.is_number) line.add(field.name, field.number);
    else line.add(field.name, field.text);
  }
  line.add("message", message);
  return end(&line);
}

std::string access_line(LogLevel level, const AccessLog& from, const AccessRecord& record) {
  JsonText line = begin(record.ended_ns, level, "request");
  line.add("thread", from.thread());
  line.add("protocol", kProtocols[static_cast<std::size_t>(from.protocol())]);
  line.add("method", record.method.view());
  line.add("path", record.path.view());
  if (record.path.cut) line.add("path_cut", true);
  line.add("status", record.status);
  if (record.reason.size != 0) line.add("reason", record.reason.view());
  if (record.reason.cut) line.add("reason_cut", true);
  if (record.model != nullptr) {
    line.add("model", record.model->name);
    line.add("version", std::to_string(record.generation));
    line.add("states", record.states);
    if (record.cached) line.add("cached", true);
  }
  line.add("received_bytes", record.received_bytes);
  line.add("sent_bytes", record.sent_bytes);
  for (std::size_t i = 0; i < record.times.size(); ++i)
    line.add(std::string(kStages[i]) + "_us", static_cast<double>(record.times[i]) / 1000);
  if (record.id.size != 0) line.add("id", id_text(record.id, from.protocol()));
  if (record.traceparent.size != 0) line.add("traceparent", record.traceparent.view());
  return end(&line);
}

}  // namespace tickmlp::serve
