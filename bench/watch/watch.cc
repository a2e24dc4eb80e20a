// SPDX-License-Identifier: Apache-2.0
// The watcher's calls as a host would make them, without a reader.
#include "watch/watch.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>
#include <thread>

#include "cli.h"
#include "input_file.h"
#include "model.h"

namespace tickmlp::bench {
namespace {

struct SwapFree {
  void operator()(tickmlp_swap* swap) const { tickmlp_swap_free(swap); }
};
struct WatchFree {
  void operator()(tickmlp_watch* watch) const { tickmlp_watch_free(watch); }
};

constexpr std::size_t kKeyLine = 56;  // characters: 42 bytes in base64

// The key's own line, from a minisign.pub or as it was given.
std::string public_key_line(const std::string& given) {
  if (given.empty()) return given;
  if (!file_exists(given)) {
    if (given.starts_with("RW") && given.size() == kKeyLine) return given;
    refuse("public key " + printable(given) +
           ": no file of that name, and not a key line; expected minisign's file, or its line of 56 characters that "
           "begins with RW");
  }
  std::istringstream lines(read_file(given, 4096));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("RW")) return line;
  refuse("no public key in " + printable(given) + ": expected minisign's file, with a line that begins with RW");
}

class Watched {
 public:
  explicit Watched(const WatchOptions& options) : given_(options), key_(public_key_line(options.public_key)) {
    load_.kernel = given_.kernel.empty() ? nullptr : given_.kernel.c_str();
    options_.load = &load_;
    options_.public_key = key_.empty() ? nullptr : key_.c_str();
    options_.drift = given_.drift;
    options_.least_generation = given_.least_generation;
    options_.forbid_rollback = given_.forbid_rollback;
    if (!given_.running.empty()) run(load_model(given_.running, given_.kernel));
  }

  // Until something runs every look is for the first model.
  tickmlp_watch_report look() {
    tickmlp_watch_report report{};
    if (watch_ != nullptr) {
      tickmlp_watch_poll(watch_.get(), &report);
      return report;
    }
    tickmlp_model* model = nullptr;
    const auto status = tickmlp_watch_load_current(given_.folder.c_str(), &options_, &model, &report);
    if (status == TICKMLP_BAD_ARGUMENT || status == TICKMLP_KERNEL_UNKNOWN) fail("cannot watch", status, report.error);
    if (status == TICKMLP_OK) run(Model(model));
    return report;
  }

 private:
  void run(Model model) {
    tickmlp_error error{};
    tickmlp_swap* swap = nullptr;
    if (const auto status = tickmlp_swap_create(model.get(), nullptr, &swap, &error); status != TICKMLP_OK)
      fail("cannot make a slot", status, error);
    (void)model.release();  // the slot's now
    swap_.reset(swap);
    options_.swap = swap;
    tickmlp_watch* watch = nullptr;
    if (const auto status = tickmlp_watch_create(given_.folder.c_str(), &options_, &watch, &error);
        status != TICKMLP_OK)
      fail("cannot watch", status, error);
    watch_.reset(watch);
  }

  const WatchOptions& given_;
  const std::string key_;
  tickmlp_load_options load_{};
  tickmlp_watch_options options_{};
  std::unique_ptr<tickmlp_swap, SwapFree> swap_;
  std::unique_ptr<tickmlp_watch, WatchFree> watch_;
};

// Sleeps in short pieces, so that an interrupt ends the wait.
void wait(double nanoseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds));
  for (auto now = std::chrono::steady_clock::now(); now < end && g_interrupt_signal == 0;
       now = std::chrono::steady_clock::now())
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(std::chrono::milliseconds(50), end - now));
}

}  // namespace

int watch(const WatchOptions& options) {
  catch_interrupts();
  Watched watched(options);
  tickmlp_error last{};
  for (bool first = true; g_interrupt_signal == 0; first = false) {
    const tickmlp_watch_report report = watched.look();
    const bool repeated = report.error.status == last.status && std::string(report.error.message) == last.message;
    if (first || report.event == TICKMLP_WATCH_TAKEN || !repeated) {
      print(options.json ? watch_report_json(options.folder, report) : watch_report_text(report));
      flush_output();
    }
    last = report.error;
    if (options.once) return report.error.status == TICKMLP_OK ? kPass : kRefused;
    wait(options.period_ns);
  }
  return 128 + g_interrupt_signal;
}

}  // namespace tickmlp::bench
