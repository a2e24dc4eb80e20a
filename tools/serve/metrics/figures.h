// SPDX-License-Identifier: Apache-2.0
// What serving threads count: each figure is written by one thread, with plain loads and stores, and read by any.
#ifndef TICKMLP_SERVE_METRICS_FIGURES_H_
#define TICKMLP_SERVE_METRICS_FIGURES_H_
#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "tickmlp.h"

namespace tickmlp::serve {

// The CPU's counter, as tickmlp_clock_begin() reads it but without its fences: 15 ns in place of 37, six times a
// request. What stands beside a reading can be on the other side of it, some ten ns of the hundreds timed here.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return tickmlp_clock_begin();
#endif
}

// How a request came. Each thread serves one of them, so that the label costs nothing a request.
enum class Protocol { http, grpc, shared_memory };
inline constexpr std::array<const char*, 3> kProtocols = {"http", "grpc", "shared_memory"};

class Counter {
 public:
  void add(std::uint64_t n = 1) { set(get() + n); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// Where the time of an inference goes. `total` is the server's own part: from the recv that completed the request to
// the end of the send, so that a client which sends or reads slowly is not in it.
enum class Stage { network, parse, kernel, encode, total };
inline constexpr std::array<const char*, 5> kStages = {"network", "parse", "kernel", "encode", "total"};
using StageTimes = std::array<std::uint64_t, kStages.size()>;  // ns

struct StageFigures {
  StageFigures() { tickmlp_recorder_reset(&recorder); }
  void record(std::uint64_t ns) {
    tickmlp_recorder_record(&recorder, ns);
    sum_ns.add(ns);
  }
  tickmlp_recorder recorder;
  Counter sum_ns;
};

struct Span {
  Counter count, ns;
  void add(std::uint64_t n, std::uint64_t lasted_ns) {
    count.add(n);
    ns.add(lasted_ns);
  }
  void merge(const Span& other) { add(other.count.get(), other.ns.get()); }
};

// Executions of one number of states.
struct BatchFigures {
  Counter states;  // 0: not used yet
  Span input, infer, output;
};

// What the statistics extension asks of a version, and of a model over all its versions.
struct VersionFigures {
  static constexpr std::size_t kBatches = 16;  // further numbers of states are in the totals alone
  Counter states, executions, last_ms;         // last_ms: when the last inference ended, since 1970
  Span success, fail, queue, input, infer, output, cache_hit, cache_miss;
  std::array<BatchFigures, kBatches> batches;

  BatchFigures* batch(std::uint64_t of_states);
  // Into a copy of the caller's own.
  void merge(const VersionFigures& other);
  // The writer's.
  void clear();
};

// A model in one thread. Lives as long as the server, under its name, whatever is loaded under it.
class ModelFigures {
 public:
  static constexpr std::size_t kVersions = 8;  // generations that are kept apart: the last ones that came

  explicit ModelFigures(std::string model, Protocol by = Protocol::http) : name(std::move(model)), protocol(by) {}

  // ---- The writer's. ----
  // An execution that gave outputs.
  void executed(std::uint64_t generation, std::uint64_t states, std::uint64_t ns);
  void looked_up(std::uint64_t generation, bool found, std::uint64_t ns);  // in the cache
  // A request's end. `executed`: not out of a cache. `times` null: it is counted and was not timed; one that was, then
  // stands for `weight` of them in the sums of the statistics.
  void answered(std::uint64_t generation, std::uint64_t states, bool executed, const StageTimes* times,
                std::uint64_t weight = 1);
  void failed(std::uint64_t generation, std::uint64_t ns);

  // ---- Any thread's. ----
  // Adds what this thread knows of a generation, or of all that ever were.
  void add_version(std::uint64_t generation, VersionFigures* into) const;
  void add_all(VersionFigures* into) const;

  const std::string name;
  const Protocol protocol;
  std::array<StageFigures, kStages.size()> stages;

 private:
  struct Version {
    Counter generation;
    VersionFigures figures;
  };
  VersionFigures& version(std::uint64_t generation);
  template <typename Read>
  void read(const Read& read, VersionFigures* into) const;

  std::array<Version, kVersions> versions_;
  VersionFigures retired_;                // of generations that gave their place up
  Counter taken_;                         // places, so far
  std::atomic<std::uint64_t> epoch_ = 0;  // odd while a place changes hands
};

// Answers by their status: those that the server gives. Over gRPC the one that HTTP has for the same.
inline constexpr std::array<int, 14> kStatuses = {200, 400, 401, 403, 404, 405, 408, 409, 411, 413, 415, 431, 500, 503};

struct ThreadFigures {
  explicit ThreadFigures(std::string thread, Protocol serves = Protocol::http)
      : name(std::move(thread)), protocol(serves) {}

  const std::string name;
  const Protocol protocol;
  std::array<Counter, kStatuses.size() + 1> requests;  // by status; the last: any other
  Counter received_bytes, sent_bytes;                  // of bodies
  Counter buffered, buffer_refused;                    // bytes of bodies on their way; requests that found no room
  Counter accepted, connections;                       // so far; now
  Counter log_dropped;                                 // records that found the ring full
  Counter cached;                                      // entries of the cache, now
  // When the thread last came round, of the steady clock: its sign of life. 0: it has not begun, or has ended.
  Counter turned_ns;

  void answered(int status);
};

}  // namespace tickmlp::serve
#endif
