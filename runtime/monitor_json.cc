// SPDX-License-Identifier: Apache-2.0
// Snapshots as one JSON object: whole numbers, nanoseconds; null where too few samples stand behind a figure.
#include "monitor_text.h"

namespace tickmlp {
namespace {

void put_number(Text& text, const char* name, uint64_t number) {
  text.put(name);
  text.put(number);
}

void put_text(Text& text, const char* name, const char* value) {
  text.put(name);
  text.put_quoted(value, Text::Quoting::kJson);
}

void put_recorder(Text& text, const char* name, const tickmlp_recorder& recorder) {
  text.put(name);
  put_number(text, "{\"count\":", recorder.count);
  put_number(text, ",\"beyond_range\":", recorder.beyond);
  const auto figure = [&](const char* key, bool known, uint64_t value) {
    text.put(",\"");
    text.put(key);
    text.put("\":");
    if (known) text.put(value);
    else text.put("null");
  };
  figure("min_ns", recorder.count != 0, recorder.minimum);
  for (const Figure& f : kFigures)
    figure(f.name, has_figure(recorder, f), tickmlp_recorder_percentile(&recorder, f.numerator, f.denominator));
  figure("max_ns", recorder.count != 0, recorder.maximum);
  text.put('}');
}

void put_shadow(Text& text, const tickmlp_shadow_figures& figures) {
  put_number(text, ",\"shadow\":{\"offered\":", figures.offered);
  put_number(text, ",\"dropped\":", figures.dropped);
  put_number(text, ",\"compared\":", figures.compared);
  put_number(text, ",\"refused\":", figures.refused);
  put_number(text, ",\"identical\":", figures.identical);
  put_number(text, ",\"same_argmax\":", figures.same_argmax);
  text.put(",\"largest_probability_difference\":");
  text.put_seconds(billionths(figures.largest_probability_difference));
  text.put(",\"largest_value_difference\":");
  text.put_seconds(billionths(figures.largest_value_difference));
  text.put('}');
}

void put_source(Text& text, const tickmlp_monitor_source& source, const tickmlp_snapshot& snapshot) {
  const tickmlp_model_info& info = *tickmlp_model_describe(source.model);
  put_text(text, "{\"model\":", info.name);
  put_number(text, ",\"generation\":", info.generation);
  put_text(text, ",\"run_id\":", info.run_id);
  put_text(text, ",\"dtype\":", info.type == TICKMLP_INT8 ? "int8" : "float32");
  text.put(",\"blob_sha256\":\"");
  text.put_hexadecimal(info.blob_sha256, sizeof info.blob_sha256);
  put_text(text, "\",\"kernel\":", info.kernel);
  put_text(text, ",\"path\":", source.path);
  if (source.core < 0) text.put(",\"core\":null");
  else put_number(text, ",\"core\":", static_cast<uint64_t>(source.core));
  put_number(text, ",\"taken_unix_ns\":", snapshot.taken_ns);
  put_number(text, ",\"interval_ns\":", snapshot.interval_ns);
  put_number(text, ",\"inferences\":", snapshot.counters.inferences);
  put_number(text, ",\"refused\":", snapshot.counters.refused);
  put_number(text, ",\"clipped\":", snapshot.counters.clipped);
  put_number(text, ",\"flushed\":", snapshot.counters.flushed);
  if (snapshot.has_shadow != 0) put_shadow(text, snapshot.shadow);
  put_recorder(text, ",\"total\":", snapshot.total);
  put_recorder(text, ",\"interval\":", snapshot.interval);
  text.put('}');
}

}  // namespace
}  // namespace tickmlp

extern "C" size_t tickmlp_monitor_json(const tickmlp_monitor* monitor, char* buffer, size_t capacity) {
  using namespace tickmlp;
  if (!is_complete(monitor)) return 0;
  Text text(buffer, capacity);
  put_text(text,
           "{\"schema\":\"tickmlp-monitor/1\",\"version\":\"" TICKMLP_VERSION "\",\"process\":", monitor->process);
  text.put(",\"sources\":[");
  for (size_t i = 0; i < monitor->source_count; ++i) {
    if (i != 0) text.put(',');
    put_source(text, monitor->sources[i], monitor->snapshots[i]);
  }
  text.put("]}\n");
  return text.finish();
}
