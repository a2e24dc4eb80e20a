// SPDX-License-Identifier: Apache-2.0
// A monitor of one source, for tests, and how to find a figure in its text.
#pragma once

#include <memory>
#include <sstream>

#include "loaded.h"

namespace tickmlp::testing {

// A monitor of one source, with everything that it needs.
struct Monitored {
  Loaded loaded{std::string(TICKMLP_SOURCE_ROOT) + "/weights/tactical-int8.blob"};
  std::unique_ptr<tickmlp_recorder> recorder = std::make_unique<tickmlp_recorder>();
  tickmlp_session* session = nullptr;
  tickmlp_monitor_source source{};
  std::unique_ptr<tickmlp_snapshot> snapshot = std::make_unique<tickmlp_snapshot>();
  std::vector<char> buffer = std::vector<char>(TICKMLP_MONITOR_SOURCE_BYTES);
  tickmlp_monitor monitor{};

  Monitored() {
    REQUIRE(loaded.status == TICKMLP_OK);
    REQUIRE(tickmlp_session_create(loaded.model, nullptr, &session, nullptr) == TICKMLP_OK);
    tickmlp_recorder_reset(recorder.get());
    source.model = loaded.model;
    source.recorder = recorder.get();
    source.session = session;
    source.path = "full";
    source.core = 3;
    monitor = {"desk-3", &source, snapshot.get(), 1, buffer.data(), buffer.size(), nullptr, nullptr};
  }
  ~Monitored() { tickmlp_session_free(session); }

  std::string text(size_t (*format)(const tickmlp_monitor*, char*, size_t) = tickmlp_monitor_prometheus) {
    REQUIRE(tickmlp_monitor_snapshot(&monitor, nullptr) == TICKMLP_OK);
    const size_t bytes = format(&monitor, buffer.data(), buffer.size());
    REQUIRE(bytes < buffer.size());
    REQUIRE(bytes == std::strlen(buffer.data()));
    return buffer.data();
  }
};

// The values of the lines that begin with `start`.
inline std::vector<std::string> values(const std::string& text, const std::string& start) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start)) found.push_back(line.substr(line.rfind(' ') + 1));
  return found;
}
inline std::string value(const std::string& text, const std::string& name) {
  const auto found = values(text, name + "{");
  return found.size() == 1 ? found[0] : std::to_string(found.size()) + " lines";
}

}  // namespace tickmlp::testing
