// SPDX-License-Identifier: Apache-2.0
// The figures as Prometheus scrapes them: exposition format 0.0.4. All lines of one metric stand together.
#ifndef TICKMLP_SERVE_METRICS_EXPOSITION_H_
#define TICKMLP_SERVE_METRICS_EXPOSITION_H_
#include <string>
#include <string_view>
#include <vector>

#include "serve/metrics/metrics.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

// What the figures of the threads do not say.
struct ServerState {
  bool ready = false;
  std::uint64_t shed = 0;           // requests refused because the server was behind
  std::uint64_t stuck_threads = 0;  // now, by the watchdog
  std::uint64_t log_lost = 0;
  std::vector<IndexRow> index;  // of the repository
};

// Names tickmlp_serve_*. Takes 0.2 ms and more: not for a serving thread.
std::string exposition(const Metrics& metrics, const ServerState& state);

// The same under Triton's names (nv_inference_*, nv_cache_*), those that mean something here.
std::string triton_exposition(const Metrics& metrics, const ServerState& state);

// Writes metrics; used by both.
class Exposition {
 public:
  // Counters and gauges are whole numbers.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view labels, std::uint64_t value) { sample("", labels, value); }
  void sample(std::string_view suffix, std::string_view labels, std::uint64_t value);
  void seconds(std::string_view suffix, std::string_view labels, std::uint64_t ns);
  std::string take() { return std::move(text_); }
  // 0.0000015
  static std::string decimal(std::uint64_t ns);

 private:
  std::string name_, text_;
};

// name="value". Names of models, threads and stages need no escapes.
std::string label(std::string_view name, std::string_view value);

}  // namespace tickmlp::serve
#endif
