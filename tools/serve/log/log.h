// SPDX-License-Identifier: Apache-2.0
// The server's log: JSON, one object a line. Whatever a client sent is escaped, so no line of it can be forged.
#ifndef TICKMLP_SERVE_LOG_LOG_H_
#define TICKMLP_SERVE_LOG_LOG_H_
#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "serve/log/access.h"

namespace tickmlp::serve {

enum class LogLevel { debug, info, warning, error, off };

struct LogOptions {
  std::string file = "-";  // standard error
  LogLevel level = LogLevel::info;
  AccessPolicy access;
};

struct LogField {
  LogField(std::string_view field, std::string_view value) : name(field), text(value) {}
  LogField(std::string_view field, std::uint64_t value) : name(field), number(value), is_number(true) {}
  std::string_view name, text;
  std::uint64_t number = 0;
  bool is_number = false;
};

// Thread-safe. Never on a serving thread's way: events are of the server's other threads, and
// requests come through the rings, which the log's own thread empties 50 times a second.
class Log {
 public:
  // Throws StartError where the file cannot be opened.
  explicit Log(const LogOptions& options);
  // Writes what is left.
  ~Log();

  // {"time", "level", "event", fields..., "message"}. A line that there is no memory for is lost.
  void event(LogLevel level, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields = {}) noexcept;

  // The ring of a serving thread; null where requests are not logged. Before that thread begins.
  AccessLog* add_thread(std::string thread, Protocol protocol);

  // Opens the file anew, for who has renamed it (logrotate). The old one is kept where that fails.
  void reopen();

  // Lines that could not be written: a full disk, a closed pipe. Any thread.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Writer;
  std::atomic<std::uint64_t> lost_ = 0;
  std::unique_ptr<Writer> writer_;
};

}  // namespace tickmlp::serve
#endif
