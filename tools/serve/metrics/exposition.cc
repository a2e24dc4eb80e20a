// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/exposition.h"
#include "serve/steady_clock.h"

#include <algorithm>
#include <array>
#include <memory>

namespace tickmlp::serve {
namespace {

// Upper bounds of the histograms, ns. Each is lowered to the recorder slot's edge below it, at most 1.6 %, so that its
// count is exact: 1 ms is 999,423 ns; 1 us and all below 2,048 ns are themselves.
constexpr std::uint64_t kBounds[] = {250,       500,        1'000,      2'500,       5'000,        10'000,
                                     25'000,    50'000,     100'000,    250'000,     500'000,      1'000'000,
                                     2'500'000, 10'000'000, 25'000'000, 100'000'000, 1'000'000'000};
constexpr std::size_t kBoundCount = std::size(kBounds);

// The last slot that lies whole below a bound.
std::uint32_t last_slot(std::uint64_t bound) {
  const std::uint32_t slot = tickmlp_recorder_slot(bound);
  return tickmlp_recorder_slot_upper(slot) > bound ? slot - 1 : slot;
}

struct Buckets {
  std::uint64_t counts[kBoundCount] = {}, count = 0, sum_ns = 0;  // counts: cumulative

  // Slots are read while they are written: each as it was at one moment.
  void add(const StageFigures& stage) {
    std::uint64_t seen = 0;
    std::uint32_t slot = 0;
    for (std::size_t i = 0; i < kBoundCount; ++i) {
      for (const std::uint32_t last = last_slot(kBounds[i]); slot <= last; ++slot) seen += read(stage, slot);
      counts[i] += seen;
    }
    for (; slot < TICKMLP_RECORDER_SLOTS; ++slot) seen += read(stage, slot);
    count += seen + __atomic_load_n(&stage.recorder.beyond, __ATOMIC_RELAXED);
    sum_ns += stage.sum_ns.get();
  }
  static std::uint64_t read(const StageFigures& stage, std::uint32_t slot) {
    return __atomic_load_n(&stage.recorder.slots[slot], __ATOMIC_RELAXED);
  }
};

void put_histogram(Exposition& out, const Buckets& buckets, const std::string& labels) {
  for (std::size_t i = 0; i < kBoundCount; ++i)
    out.sample("_bucket",
               labels + "," + label("le", Exposition::decimal(tickmlp_recorder_slot_upper(last_slot(kBounds[i])))),
               buckets.counts[i]);
  out.sample("_bucket", labels + ",le=\"+Inf\"", buckets.count);
  out.seconds("_sum", labels, buckets.sum_ns);
  out.sample("_count", labels, buckets.count);
}

std::string protocol_label(Protocol protocol) {
  return label("protocol", kProtocols[static_cast<std::size_t>(protocol)]);
}

void put_threads(Exposition& out, const Metrics& metrics) {
  const auto threads = metrics.threads();
  out.family("tickmlp_serve_requests_total", "counter",
             "Answers by their status; over gRPC the one that HTTP has for the same.");
  for (const Protocol protocol : {Protocol::http, Protocol::grpc}) {
    if (std::none_of(threads.begin(), threads.end(), [&](const auto* thread) { return thread->protocol == protocol; }))
      continue;
    for (std::size_t i = 0; i <= kStatuses.size(); ++i) {
      std::uint64_t count = 0;
      for (const ThreadFigures* thread : threads)
        if (thread->protocol == protocol) count += thread->requests[i].get();
      const std::string code = i == kStatuses.size() ? "other" : std::to_string(kStatuses[i]);
      if (count != 0 || i == 0) out.sample(protocol_label(protocol) + "," + label("code", code), count);
    }
  }
  // `last`: of Protocol, the last that has this figure. gRPC keeps its connections to itself, and the cache is HTTP's.
  struct Row {
    const char *name, *type, *help;
    Counter ThreadFigures::*value;
    Protocol last;
  };
  constexpr Row kRows[] = {
      {"tickmlp_serve_received_bytes_total", "counter", "Bytes of request bodies, or messages.",
       &ThreadFigures::received_bytes, Protocol::grpc},
      {"tickmlp_serve_sent_bytes_total", "counter", "Bytes of answers' bodies, or messages.",
       &ThreadFigures::sent_bytes, Protocol::grpc},
      {"tickmlp_serve_connections_total", "counter", "Connections accepted.", &ThreadFigures::accepted, Protocol::http},
      {"tickmlp_serve_connections", "gauge", "Connections now.", &ThreadFigures::connections, Protocol::http},
      {"tickmlp_serve_buffered_bytes", "gauge", "Buffers above 64 KiB, of bodies that are on their way.",
       &ThreadFigures::buffered, Protocol::http},
      {"tickmlp_serve_buffer_refusals_total", "counter", "Requests refused because such buffers took all they may.",
       &ThreadFigures::buffer_refused, Protocol::http},
      {"tickmlp_serve_cache_entries", "gauge", "Answers in the cache.", &ThreadFigures::cached, Protocol::http},
      {"tickmlp_serve_log_dropped_total", "counter", "Records of the access log that found its ring full.",
       &ThreadFigures::log_dropped, Protocol::grpc}};
  for (const Row& row : kRows) {
    out.family(row.name, row.type, row.help);
    for (const ThreadFigures* thread : threads)
      if (thread->protocol <= row.last) out.sample(label("thread", thread->name), (thread->*row.value).get());
  }
  const std::uint64_t now = steady_ns();
  out.family("tickmlp_serve_thread_idle_seconds", "gauge",
             "How long ago the thread last came round: 0.1 s at most in one that is not stuck.");
  for (const ThreadFigures* thread : threads) {
    const std::uint64_t turned = thread->turned_ns.get();
    if (turned != 0) out.seconds("", label("thread", thread->name), now > turned ? now - turned : 0);
  }
}

void put_repository(Exposition& out, const ServerState& state) {
  struct Row {
    const char *name, *type, *help;
    std::uint64_t (*value)(const IndexRow&);
    bool where_none_serves;
  };
  constexpr Row kRows[] = {
      {"tickmlp_serve_model_ready", "gauge", "1: serves, 0: does not.",
       [](const IndexRow& row) -> std::uint64_t { return row.state == "READY"; }, true},
      {"tickmlp_serve_model_generation", "gauge", "The generation that answers; absent where none does.",
       [](const IndexRow& row) { return row.generation; }, false},
      {"tickmlp_serve_model_breaker", "gauge", "1: the circuit breaker over the model is open in some thread.",
       [](const IndexRow& row) -> std::uint64_t { return row.breaker_open != 0; }, false},
      {"tickmlp_serve_model_breaker_opened_total", "counter", "Times that the breaker opened, in any thread.",
       [](const IndexRow& row) { return row.breaker_opened; }, false},
      {"tickmlp_serve_model_breaker_failures_total", "counter", "Failures that were the model's own.",
       [](const IndexRow& row) { return row.breaker_failures; }, false},
      {"tickmlp_serve_model_breaker_fallbacks_total", "counter",
       "Requests that an older generation answered because the breaker was open.",
       [](const IndexRow& row) { return row.breaker_fallbacks; }, false}};
  for (const Row& row : kRows) {
    out.family(row.name, row.type, row.help);
    for (const IndexRow& model : state.index)
      if (model.is_current && (model.state == "READY" || row.where_none_serves))
        out.sample(label("model", model.name), row.value(model));
  }
  out.family("tickmlp_serve_model_changes_total", "counter", "Generations that were taken, and those refused.");
  for (const IndexRow& model : state.index) {
    if (!model.is_current) continue;
    out.sample(label("model", model.name) + "," + label("result", "taken"), model.taken);
    out.sample(label("model", model.name) + "," + label("result", "refused"), model.refused);
  }
}

// A model over one protocol.
struct Series {
  std::string labels;
  std::vector<const ModelFigures*> threads;
  std::unique_ptr<VersionFigures> all = std::make_unique<VersionFigures>();
};

std::vector<Series> series_of(const Metrics& metrics) {
  std::vector<Series> out;
  for (const std::string& name : metrics.model_names()) {
    std::array<Series, kProtocols.size()> by_protocol;
    for (const ModelFigures* model : metrics.models(name)) {
      Series& series = by_protocol[static_cast<std::size_t>(model->protocol)];
      series.labels = label("model", name) + "," + protocol_label(model->protocol);
      series.threads.push_back(model);
      model->add_all(series.all.get());
    }
    for (Series& series : by_protocol)
      if (!series.threads.empty()) out.push_back(std::move(series));
  }
  return out;
}

void put_models(Exposition& out, const Metrics& metrics) {
  const std::vector<Series> models = series_of(metrics);
  const auto put = [&](const char* name, const char* help, const auto& value) {
    out.family(name, "counter", help);
    for (const Series& model : models) out.sample(model.labels, value(*model.all));
  };
  put("tickmlp_serve_inferences_total", "Requests for inferences that were answered.",
      [](const VersionFigures& f) { return f.success.count.get(); });
  put("tickmlp_serve_failed_inferences_total", "Requests for inferences that were refused or failed.",
      [](const VersionFigures& f) { return f.fail.count.get(); });
  put("tickmlp_serve_states_total", "States computed.", [](const VersionFigures& f) { return f.states.get(); });
  put("tickmlp_serve_cache_hits_total", "Answers out of the cache.",
      [](const VersionFigures& f) { return f.cache_hit.count.get(); });
  put("tickmlp_serve_cache_misses_total", "Questions that the cache had no answer to.",
      [](const VersionFigures& f) { return f.cache_miss.count.get(); });
  out.family("tickmlp_serve_duration_seconds", "histogram",
             "Time of an answered inference: recv and send, parsing, the kernel, encoding, and all of it.");
  for (const Series& model : models)
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
      Buckets buckets;
      for (const ModelFigures* thread : model.threads) buckets.add(thread->stages[stage]);
      put_histogram(out, buckets, model.labels + "," + label("stage", kStages[stage]));
    }
}

}  // namespace

std::string label(std::string_view name, std::string_view value) {
  std::string text(name);
  text.append("=\"").append(value).push_back('"');
  return text;
}

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  text_.append(" ").append(type).append("\n");
}

void Exposition::sample(std::string_view suffix, std::string_view labels, std::uint64_t value) {
  text_.append(name_).append(suffix);
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_.append(" ").append(std::to_string(value)).append("\n");
}

void Exposition::seconds(std::string_view suffix, std::string_view labels, std::uint64_t ns) {
  text_.append(name_).append(suffix).append("{").append(labels).append("} ").append(decimal(ns)).append("\n");
}

std::string Exposition::decimal(std::uint64_t ns) {
  std::string digits = std::to_string(ns % 1'000'000'000 + 1'000'000'000);
  digits[0] = '.';
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits == ".") digits.clear();
  return std::to_string(ns / 1'000'000'000) + digits;
}

std::string exposition(const Metrics& metrics, const ServerState& state) {
  Exposition out;
  out.family("tickmlp_serve_info", "gauge", "Always 1.");
  out.sample(label("version", tickmlp_version()), 1);
  out.family("tickmlp_serve_start_time_seconds", "gauge", "When the server started, since 1970.");
  out.sample("", metrics.started_s());
  out.family("tickmlp_serve_ready", "gauge", "1: ready for requests.");
  out.sample("", state.ready);
  out.family("tickmlp_serve_shed_requests_total", "counter", "Requests refused because the server was behind.");
  out.sample("", state.shed);
  out.family("tickmlp_serve_stuck_threads", "gauge", "Serving threads that do not come round.");
  out.sample("", state.stuck_threads);
  out.family("tickmlp_serve_log_lost_total", "counter", "Lines of the log that could not be written.");
  out.sample("", state.log_lost);
  put_threads(out, metrics);
  put_repository(out, state);
  put_models(out, metrics);
  return out.take();
}

}  // namespace tickmlp::serve
