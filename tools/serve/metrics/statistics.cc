// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/statistics.h"

#include "serve/json_text.h"

namespace tickmlp::serve {
namespace {

void add(std::string_view name, const Span& span, JsonText* out) {
  out->open('{', name);
  out->add("count", span.count.get());
  out->add("ns", span.ns.get());
  out->close('}');
}

void add(const IndexRow& row, const VersionFigures& figures, JsonText* out) {
  out->open('{');
  out->add("name", row.name);
  out->add("version", row.version);
  out->add("last_inference", figures.last_ms.get());
  out->add("inference_count", figures.states.get());
  out->add("execution_count", figures.executions.get());
  out->open('{', "inference_stats");
  add("success", figures.success, out);
  add("fail", figures.fail, out);
  add("queue", figures.queue, out);
  add("compute_input", figures.input, out);
  add("compute_infer", figures.infer, out);
  add("compute_output", figures.output, out);
  add("cache_hit", figures.cache_hit, out);
  add("cache_miss", figures.cache_miss, out);
  out->close('}');
  out->open('[', "batch_stats");
  for (const BatchFigures& batch : figures.batches) {
    if (batch.states.get() == 0) continue;
    out->open('{');
    out->add("batch_size", batch.states.get());
    add("compute_input", batch.input, out);
    add("compute_infer", batch.infer, out);
    add("compute_output", batch.output, out);
    out->close('}');
  }
  out->close(']');
  out->close('}');
}

}  // namespace

void each_statistics(const Metrics& metrics, const std::vector<IndexRow>& index, std::string_view name,
                     std::optional<std::uint64_t> version,
                     const std::function<void(const IndexRow&, const VersionFigures&)>& tell) {
  for (const IndexRow& row : index) {
    if (row.state != "READY" || (!name.empty() && row.name != name) || (version && row.generation != *version))
      continue;
    VersionFigures figures;
    for (const ModelFigures* model : metrics.models(row.name)) model->add_version(row.generation, &figures);
    tell(row, figures);
  }
}

std::string statistics_json(const Metrics& metrics, const std::vector<IndexRow>& index, std::string_view name,
                            std::optional<std::uint64_t> version) {
  JsonText out;
  out.open('{');
  out.open('[', "model_stats");
  each_statistics(metrics, index, name, version,
                  [&](const IndexRow& row, const VersionFigures& figures) { add(row, figures, &out); });
  out.close(']');
  out.close('}');
  return out.take();
}

}  // namespace tickmlp::serve
