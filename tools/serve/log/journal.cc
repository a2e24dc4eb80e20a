// SPDX-License-Identifier: Apache-2.0
#include "serve/log/journal.h"

namespace tickmlp::serve {

void Journal::look(const std::vector<IndexRow>& index) {
  for (const IndexRow& row : index) {
    if (!row.is_current) continue;
    IndexRow& before = seen_[row.name];
    tell(before, row);
    before = row;
  }
}

void Journal::tell(const IndexRow& before, const IndexRow& now) {
  const auto say = [&](LogLevel level, const char* event, const std::string& message) {
    log_.event(level, event, message, {{"model", now.name}, {"version", now.version}});
  };
  const bool served = before.state == "READY", serves = now.state == "READY";
  if (now.refused != before.refused) {  // not of the version that serves on, but of another, where its name has it
    const auto published = read_published_name(now.refused_file);
    log_.event(LogLevel::error, "model_refused", now.reason,
               {{"model", now.name},
                {"version", published ? std::to_string(published->generation) : ""},
                {"file", now.refused_file}});
  }
  if (serves && !served) say(LogLevel::info, "model_loaded", "generation " + now.version + " serves");
  if (!serves && served) say(LogLevel::info, "model_unloaded", "generation " + before.version + " serves no more");
  if (serves && served && (now.generation != before.generation || now.taken != before.taken))
    say(LogLevel::info, "model_swapped", "generation " + now.version + " serves in place of " + before.version);
  const bool opened = now.breaker_opened != before.breaker_opened;  // perhaps closed again since
  if (opened)
    say(LogLevel::error, "breaker_open",
        now.name + ": the breaker over generation " + now.version + " opened: " + std::to_string(now.breaker_failures) +
            " failures, " + std::to_string(now.breaker_opened) + " times open so far");
  if (now.breaker_open == 0 && (opened || before.breaker_open != 0))
    say(LogLevel::info, "breaker_closed", now.name + ": the breaker is closed again");
}

}  // namespace tickmlp::serve
