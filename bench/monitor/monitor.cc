// SPDX-License-Identifier: Apache-2.0
// The housekeeping side: one call of the library every interval.
#include "monitor/monitor.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "cli.h"
#include "commands.h"
#include "monitor/hot_thread.h"
#include "monitor/shadow_thread.h"
#include "output_file.h"

namespace tickmlp::bench {
namespace {

// To any allowed core but the hot thread's, when there is another.
void leave_core(int core) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_CLR(static_cast<std::size_t>(core), &allowed);
  if (CPU_COUNT(&allowed) != 0) sched_setaffinity(0, sizeof allowed, &allowed);
}

// Sleeps in short pieces, so that an interrupt ends the wait.
void wait_until(std::chrono::steady_clock::time_point moment) {
  constexpr std::chrono::milliseconds kPiece(50);
  for (auto now = std::chrono::steady_clock::now(); now < moment && g_interrupt_signal == 0;
       now = std::chrono::steady_clock::now())
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kPiece, moment - now));
}

void publish(const tickmlp_monitor& monitor) {
  tickmlp_error error{};
  const tickmlp_status status = tickmlp_monitor_publish(&monitor, &error);
  if (status != TICKMLP_OK) fail("cannot publish", status, error);
}

}  // namespace

int monitor(const MonitorOptions& options) {
  catch_interrupts();
  for (const std::string& file : {options.textfile, options.json})
    if (!file.empty()) check_target(file, {options.blob, options.shadow});
  tickmlp_error error{};
  tickmlp_clock clock{};
  if (const auto status = tickmlp_clock_calibrate(&clock, &error); status != TICKMLP_OK)
    fail("cannot measure", status, error);
  const Model model = load_model(options.blob, options.kernel);
  const int core = options.core >= 0 ? options.core : last_allowed_core();
  std::optional<ShadowThread> shadow;
  if (!options.shadow.empty()) shadow.emplace(model, options);
  const HotThread hot(model, options, core, clock, shadow ? shadow->shadow() : nullptr);
  leave_core(core);  // between the two threads, which inherit what is allowed: the hot one pins itself to that core
  if (shadow) shadow->start();
  std::vector<tickmlp_monitor_source> sources = hot.sources();
  if (shadow) sources.push_back(shadow->source());

  std::vector<tickmlp_snapshot> snapshots(sources.size());
  std::vector<char> buffer(sources.size() * TICKMLP_MONITOR_SOURCE_BYTES);
  tickmlp_monitor monitor{};
  monitor.process = options.process.c_str();
  monitor.sources = sources.data();
  monitor.snapshots = snapshots.data();
  monitor.source_count = snapshots.size();
  monitor.buffer = buffer.data();
  monitor.capacity = buffer.size();
  monitor.textfile = options.textfile.c_str();
  monitor.json = options.json.empty() ? nullptr : options.json.c_str();

  const std::chrono::duration<double, std::nano> interval(options.interval_ns);
  auto next = std::chrono::steady_clock::now();
  const auto end = next + std::chrono::seconds(options.seconds);
  while (g_interrupt_signal == 0 && (options.seconds == 0 || next < end)) {
    next += std::chrono::duration_cast<std::chrono::steady_clock::duration>(interval);
    if (options.seconds != 0) next = std::min(next, end);
    wait_until(next);
    publish(monitor);
  }
  return g_interrupt_signal != 0 ? 128 + g_interrupt_signal : kPass;
}

}  // namespace tickmlp::bench
