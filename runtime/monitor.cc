// SPDX-License-Identifier: Apache-2.0
// Snapshots of what other threads are writing, and the one call that publishes them.
#include <time.h>

#include "error.h"
#include "monitor_text.h"

namespace tickmlp {
namespace {

uint64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

void add(tickmlp_counters& sum, const tickmlp_counters& more) {
  sum.inferences += more.inferences;
  sum.refused += more.refused;
  sum.clipped += more.clipped;
  sum.flushed += more.flushed;
}

tickmlp_counters read_counters(const tickmlp_monitor_source& source) {
  tickmlp_counters sum{}, one{};
  tickmlp_session_counters(source.session, &one);  // leaves `one` as it is where there is none
  add(sum, one);
  one = {};
  tickmlp_window_counters(source.window, &one);
  add(sum, one);
  one = {};
  tickmlp_sparse_counters(source.sparse, &one);
  add(sum, one);
  one = {};
  tickmlp_reader_counters(source.reader, &one);
  add(sum, one);
  tickmlp_team_counters team{};
  tickmlp_team_read_counters(source.team, &team);
  add(sum, {team.inferences, team.refused, team.clipped, team.flushed});
  return sum;
}

void take(const tickmlp_monitor_source& source, tickmlp_snapshot& snapshot) {
  snapshot.counters = read_counters(source);
  snapshot.has_shadow = source.shadow != nullptr;
  tickmlp_shadow_read(source.shadow, &snapshot.shadow);
  tickmlp_recorder_read(source.recorder, &snapshot.interval);
  const uint64_t minimum = snapshot.interval.minimum, maximum = snapshot.interval.maximum;
  if (tickmlp_recorder_subtract(&snapshot.interval, &snapshot.total) != TICKMLP_OK)
    tickmlp_recorder_reset(&snapshot.total);  // the recorder was reset: all that it holds is new
  tickmlp_recorder_merge(&snapshot.total, &snapshot.interval);
  snapshot.total.minimum = minimum;  // the interval's own are edges of slots
  snapshot.total.maximum = maximum;
  const uint64_t steady = now_ns(CLOCK_MONOTONIC);
  snapshot.interval_ns = snapshot.taken_ns == 0 ? 0 : steady - snapshot.steady_ns;
  snapshot.steady_ns = steady;
  snapshot.taken_ns = now_ns(CLOCK_REALTIME);
}

using Format = size_t (*)(const tickmlp_monitor*, char*, size_t);

tickmlp_status write_text(const tickmlp_monitor& monitor, const char* path, Format format, tickmlp_error* error) {
  if (path == nullptr) return TICKMLP_OK;
  const size_t bytes = format(&monitor, monitor.buffer, monitor.capacity);
  if (bytes >= monitor.capacity)
    return fail(error, TICKMLP_BUFFER_SIZE, "the buffer has %zu bytes; expected %zu at least, for %s", monitor.capacity,
                bytes + 1, path);
  return tickmlp_monitor_write(path, monitor.buffer, bytes, error);
}

}  // namespace

bool is_complete(const tickmlp_monitor* monitor) {
  if (monitor == nullptr || monitor->process == nullptr) return false;
  if (monitor->source_count != 0 && (monitor->sources == nullptr || monitor->snapshots == nullptr)) return false;
  for (size_t i = 0; i < monitor->source_count; ++i) {
    const tickmlp_monitor_source& source = monitor->sources[i];
    if (source.model == nullptr || source.recorder == nullptr || source.path == nullptr) return false;
  }
  return true;
}

}  // namespace tickmlp

extern "C" {

using namespace tickmlp;

tickmlp_status tickmlp_monitor_snapshot(const tickmlp_monitor* monitor, tickmlp_error* error) {
  if (!is_complete(monitor))
    return fail(error, TICKMLP_BAD_ARGUMENT,
                "monitor, process, sources, snapshots, or a source's model, recorder or path is NULL; expected all");
  for (size_t i = 0; i < monitor->source_count; ++i) take(monitor->sources[i], monitor->snapshots[i]);
  return TICKMLP_OK;
}

tickmlp_status tickmlp_monitor_publish(const tickmlp_monitor* monitor, tickmlp_error* error) {
  if (auto s = tickmlp_monitor_snapshot(monitor, error)) return s;
  if (monitor->buffer == nullptr) return fail(error, TICKMLP_BAD_ARGUMENT, "buffer is NULL; expected one");
  if (auto s = write_text(*monitor, monitor->textfile, tickmlp_monitor_prometheus, error)) return s;
  return write_text(*monitor, monitor->json, tickmlp_monitor_json, error);
}

}  // extern "C"
