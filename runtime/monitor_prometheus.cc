// SPDX-License-Identifier: Apache-2.0
// Snapshots in the text format that Prometheus scrapes. All lines of one metric stand together, as the format asks.
#include "monitor_text.h"

namespace tickmlp {
namespace {

// The histogram's upper bounds, ns, six a decade from 100 ns to 1 s. Each is lowered to the recorder slot's edge below
// it, at most 1.6 %, so that a bucket's count is exact: 1 ms is 999,423 ns, 1 us and all below 2,048 ns themselves.
constexpr uint64_t kSteps[] = {100, 150, 200, 300, 500, 700};
constexpr uint64_t kLast = 1'000'000'000;

uint64_t edge_below(uint64_t ns, uint32_t* slot) {
  *slot = tickmlp_recorder_slot(ns);
  if (tickmlp_recorder_slot_upper(*slot) > ns) *slot -= 1;
  return tickmlp_recorder_slot_upper(*slot);
}

void put_labels(Text& text, const tickmlp_monitor& monitor, const tickmlp_monitor_source& source) {
  const tickmlp_model_info& info = *tickmlp_model_describe(source.model);
  const auto label = [&](const char* name, const char* value) {
    text.put(name);
    text.put_quoted(value, Text::Quoting::kPrometheus);
  };
  label("{process=", monitor.process);
  label(",model=", info.name);
  text.put(",generation=\"");
  text.put(info.generation);
  label("\",kernel=", info.kernel);
  label(",path=", source.path);
  text.put(",core=\"");
  if (source.core < 0) text.put("any");
  else text.put(static_cast<uint64_t>(source.core));
  text.put('"');
}

void put_family(Text& text, const char* name, const char* type, const char* help) {
  const char* const parts[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};
  for (const char* part : parts) text.put(part);
}

void put_model_info(Text& text, const tickmlp_monitor& monitor) {
  const char* name = "tickmlp_model_info";
  put_family(text, name, "gauge", "The model that is running; always 1.");
  for (size_t i = 0; i < monitor.source_count; ++i) {
    const tickmlp_model_info& info = *tickmlp_model_describe(monitor.sources[i].model);
    text.put(name);
    put_labels(text, monitor, monitor.sources[i]);
    text.put(info.type == TICKMLP_INT8 ? ",dtype=\"int8\"" : ",dtype=\"float32\"");
    text.put(",run_id=");
    text.put_quoted(info.run_id, Text::Quoting::kPrometheus);
    text.put(",blob_sha256=\"");
    text.put_hexadecimal(info.blob_sha256, sizeof info.blob_sha256);
    text.put("\",version=\"" TICKMLP_VERSION "\"} 1\n");
  }
}

// From slot middles; beyond the range each value counts with its least, 2^30 ns. Never falls while a recorder goes on.
tickmlp_uint128 sum_ns(const tickmlp_recorder& recorder) {
  tickmlp_uint128 twice = 0;
  uint64_t lower = 0;
  for (uint32_t slot = 0; slot < TICKMLP_RECORDER_SLOTS; ++slot) {
    const uint64_t upper = tickmlp_recorder_slot_upper(slot);
    twice += tickmlp_uint128{recorder.slots[slot]} * (lower + upper);
    lower = upper + 1;
  }
  return twice / 2 + tickmlp_uint128{recorder.beyond} * (uint64_t{1} << 30);
}

class Histogram {
 public:
  Histogram(Text& text, const tickmlp_monitor& monitor, size_t index)
      : text_(text), monitor_(monitor), source_(monitor.sources[index]), total_(monitor.snapshots[index].total) {}

  void put() {
    for (uint64_t power = 1; 100 * power < kLast; power *= 10)
      for (const uint64_t step : kSteps) put_bucket(step * power);
    put_bucket(kLast);
    put_start("_bucket");
    text_.put(",le=\"+Inf\"} ");
    put_value(total_.count);
    put_start("_sum");
    text_.put("} ");
    text_.put_seconds(sum_ns(total_));
    text_.put('\n');
    put_start("_count");
    text_.put("} ");
    put_value(total_.count);
  }

 private:
  void put_start(const char* suffix) {
    text_.put("tickmlp_inference_duration_seconds");
    text_.put(suffix);
    put_labels(text_, monitor_, source_);
  }
  void put_value(uint64_t value) {
    text_.put(value);
    text_.put('\n');
  }
  void put_bucket(uint64_t nominal) {
    uint32_t last = 0;
    const uint64_t edge = edge_below(nominal, &last);
    for (; next_slot_ <= last; ++next_slot_) seen_ += total_.slots[next_slot_];
    put_start("_bucket");
    text_.put(",le=\"");
    text_.put_seconds(edge);
    text_.put("\"} ");
    put_value(seen_);
  }

  Text& text_;
  const tickmlp_monitor& monitor_;
  const tickmlp_monitor_source& source_;
  const tickmlp_recorder& total_;
  uint32_t next_slot_ = 0;
  uint64_t seen_ = 0;
};

// A metric of one number a source. Where `known` says no there is no line: a figure without samples is no 0.
struct Metric {
  const char *name, *type, *help;
  uint64_t (*value)(const tickmlp_snapshot&);
  bool seconds;
  bool (*known)(const tickmlp_snapshot&);
};

bool always(const tickmlp_snapshot&) { return true; }
bool has_shadow(const tickmlp_snapshot& s) { return s.has_shadow != 0; }
template <int kIndex>
uint64_t figure(const tickmlp_snapshot& s) {
  return tickmlp_recorder_percentile(&s.interval, kFigures[kIndex].numerator, kFigures[kIndex].denominator);
}
template <int kIndex>
bool figure_known(const tickmlp_snapshot& s) {
  return has_figure(s.interval, kFigures[kIndex]);
}

constexpr Metric kMetrics[] = {
    {"tickmlp_inferences_total", "counter", "Inferences that gave an output.",
     [](const tickmlp_snapshot& s) { return s.counters.inferences; }, false, always},
    {"tickmlp_refused_inferences_total", "counter", "Inferences refused for an input or output that is not finite.",
     [](const tickmlp_snapshot& s) { return s.counters.refused; }, false, always},
    {"tickmlp_clipped_inputs_total", "counter", "Input elements outside the calibrated range (int8).",
     [](const tickmlp_snapshot& s) { return s.counters.clipped; }, false, always},
    {"tickmlp_flushed_inputs_total", "counter", "Input elements that were not finite and were replaced (flush mode).",
     [](const tickmlp_snapshot& s) { return s.counters.flushed; }, false, always},
    {"tickmlp_shadow_offered_total", "counter", "Questions handed to a shadow, sampled ones.",
     [](const tickmlp_snapshot& s) { return s.shadow.offered; }, false, has_shadow},
    {"tickmlp_shadow_dropped_total", "counter", "Of these: dropped, because the shadow was behind.",
     [](const tickmlp_snapshot& s) { return s.shadow.dropped; }, false, has_shadow},
    {"tickmlp_shadow_compared_total", "counter", "Of these: answered by the shadow and compared.",
     [](const tickmlp_snapshot& s) { return s.shadow.compared; }, false, has_shadow},
    {"tickmlp_shadow_same_argmax_total", "counter", "Of the compared: the same decision in every softmax head.",
     [](const tickmlp_snapshot& s) { return s.shadow.same_argmax; }, false, has_shadow},
    {"tickmlp_shadow_identical_total", "counter", "Of the compared: the same bits.",
     [](const tickmlp_snapshot& s) { return s.shadow.identical; }, false, has_shadow},
    {"tickmlp_shadow_largest_probability_difference", "gauge", "Largest difference of a probability so far.",
     [](const tickmlp_snapshot& s) { return billionths(s.shadow.largest_probability_difference); }, true, has_shadow},
    {"tickmlp_shadow_largest_value_difference", "gauge", "Largest difference of another output so far.",
     [](const tickmlp_snapshot& s) { return billionths(s.shadow.largest_value_difference); }, true, has_shadow},
    {"tickmlp_interval_samples", "gauge", "Timed calls in the last interval.",
     [](const tickmlp_snapshot& s) { return s.interval.count; }, false, always},
    {"tickmlp_interval_length_seconds", "gauge", "Length of the last interval; 0 in a process's first snapshot.",
     [](const tickmlp_snapshot& s) { return s.interval_ns; }, true, always},
    {"tickmlp_interval_p50_seconds", "gauge", "Median duration of the last interval's calls.", figure<0>, true,
     figure_known<0>},
    {"tickmlp_interval_p99_seconds", "gauge", "99th percentile of the last interval, from 100 calls on.", figure<1>,
     true, figure_known<1>},
    {"tickmlp_interval_p999_seconds", "gauge", "99.9th percentile of the last interval, from 1,000 calls on.",
     figure<2>, true, figure_known<2>},
    {"tickmlp_interval_max_seconds", "gauge", "Longest call of the last interval, to the recorder's slot.",
     [](const tickmlp_snapshot& s) { return s.interval.maximum; }, true,
     [](const tickmlp_snapshot& s) { return s.interval.count != 0; }},
    {"tickmlp_snapshot_timestamp_seconds", "gauge", "When the figures were taken, seconds since 1970.",
     [](const tickmlp_snapshot& s) { return s.taken_ns; }, true, always},
};

void put_metric(Text& text, const tickmlp_monitor& monitor, const Metric& metric) {
  put_family(text, metric.name, metric.type, metric.help);
  for (size_t i = 0; i < monitor.source_count; ++i) {
    const tickmlp_snapshot& snapshot = monitor.snapshots[i];
    if (!metric.known(snapshot)) continue;
    text.put(metric.name);
    put_labels(text, monitor, monitor.sources[i]);
    text.put("} ");
    if (metric.seconds) text.put_seconds(metric.value(snapshot));
    else text.put(metric.value(snapshot));
    text.put('\n');
  }
}

}  // namespace
}  // namespace tickmlp

extern "C" size_t tickmlp_monitor_prometheus(const tickmlp_monitor* monitor, char* buffer, size_t capacity) {
  using namespace tickmlp;
  if (!is_complete(monitor)) return 0;
  Text text(buffer, capacity);
  put_model_info(text, *monitor);
  put_family(text, "tickmlp_inference_duration_seconds", "histogram", "Duration of the timed calls.");
  for (size_t i = 0; i < monitor->source_count; ++i) Histogram(text, *monitor, i).put();
  for (const Metric& metric : kMetrics) put_metric(text, *monitor, metric);
  return text.finish();
}
