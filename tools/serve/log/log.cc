// SPDX-License-Identifier: Apache-2.0
#include "serve/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/log/line.h"
#include "serve/make_thread.h"
#include "serve/start_error.h"

namespace tickmlp::serve {
namespace {

constexpr std::chrono::milliseconds kPause(20);

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::shared_ptr<spdlog::sinks::sink> open_sink(const std::string& file) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  // spdlog would make the folder, with whatever rights: a name that was mistyped is to be noticed.
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (std::error_code error; !folder.empty() && !std::filesystem::exists(folder, error))
    throw spdlog::spdlog_ex(folder.string() + ": no such folder");
  if (file == "-") sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  else sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  sink->set_pattern("%v");  // the lines are made here, whole
  return sink;
}

}  // namespace

struct Log::Writer {
  Writer(const LogOptions& given, std::atomic<std::uint64_t>* lost_lines)
      : options(given),
        lost(*lost_lines),
        sinks(std::make_shared<spdlog::sinks::dist_sink_mt>()),
        logger("tickmlp", sinks) {
    sinks->set_sinks({open_sink(options.file)});
    logger.set_level(level_of(options.level));
    logger.flush_on(spdlog::level::warn);
    logger.set_error_handler([this](const std::string&) { lost.fetch_add(1, std::memory_order_relaxed); });
    thread = make_thread("thread of the log", [this] { run(); });
  }
  ~Writer() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    wake.notify_one();
    thread.join();
  }

  std::vector<AccessLog*> all_rings() {
    const std::lock_guard lock(mutex);
    std::vector<AccessLog*> all;
    for (const auto& ring : rings) all.push_back(ring.get());
    return all;
  }
  void write(const AccessLog& ring, const AccessRecord& record) noexcept {
    const LogLevel level = record.status >= 500 ? LogLevel::error : LogLevel::info;
    try {
      logger.log(level_of(level), access_line(level, ring, record));
    } catch (const std::exception&) {  // out of memory: this line is lost
      lost.fetch_add(1, std::memory_order_relaxed);
    }
  }
  std::size_t write_all() {
    std::size_t written = 0;
    for (AccessLog* ring : all_rings())
      written += ring->drain([&](const AccessRecord& record) { write(*ring, record); });
    return written;
  }
  void run() {
    for (bool last = false;;) {
      try {
        if (write_all() != 0) logger.flush();
      } catch (const std::exception&) {  // out of memory: they wait in their rings
      }
      if (last) return;
      std::unique_lock lock(mutex);
      last = wake.wait_for(lock, kPause, [this] { return ending; });
    }
  }

  const LogOptions options;
  std::atomic<std::uint64_t>& lost;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> sinks;
  spdlog::logger logger;
  std::mutex mutex;  // over what follows
  std::vector<std::unique_ptr<AccessLog>> rings;
  std::condition_variable wake;
  bool ending = false;
  std::thread thread;
};

Log::Log(const LogOptions& options) {
  try {
    writer_ = std::make_unique<Writer>(options, &lost_);
  } catch (const spdlog::spdlog_ex& error) {
    throw StartError{std::string("log: ") + error.what()};
  }
}
Log::~Log() = default;

void Log::event(LogLevel level, std::string_view event, std::string_view message,
                std::initializer_list<LogField> fields) noexcept {
  try {
    writer_->logger.log(level_of(level), event_line(level, event, message, fields));
    writer_->logger.flush();
  } catch (const std::exception&) {
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

AccessLog* Log::add_thread(std::string thread, Protocol protocol) {
  const LogOptions& options = writer_->options;
  if (options.access.kind == AccessPolicy::Kind::off || options.level > LogLevel::info) return nullptr;
  const std::lock_guard lock(writer_->mutex);
  return writer_->rings.emplace_back(std::make_unique<AccessLog>(std::move(thread), options.access, protocol)).get();
}

void Log::reopen() {
  if (writer_->options.file == "-") return;
  try {
    writer_->sinks->set_sinks({open_sink(writer_->options.file)});
    event(LogLevel::info, "log_reopened", "the log goes on in " + writer_->options.file);
  } catch (const spdlog::spdlog_ex& error) {
    event(LogLevel::error, "log_reopened", std::string("the log stays where it is: ") + error.what());
  }
}

}  // namespace tickmlp::serve
