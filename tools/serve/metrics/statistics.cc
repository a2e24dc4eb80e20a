// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/statistics.h"

#include <nlohmann/json.hpp>

namespace tickmlp::serve {
namespace {

using Json = nlohmann::ordered_json;

Json span(const Span& span) { return {{"count", span.count.get()}, {"ns", span.ns.get()}}; }

Json entry(const IndexRow& row, const VersionFigures& figures) {
  Json batches = Json::array();
  for (const BatchFigures& batch : figures.batches)
    if (batch.states.get() != 0)
      batches.push_back({{"batch_size", batch.states.get()},
                         {"compute_input", span(batch.input)},
                         {"compute_infer", span(batch.infer)},
                         {"compute_output", span(batch.output)}});
  return {{"name", row.name},
          {"version", row.version},
          {"last_inference", figures.last_ms.get()},
          {"inference_count", figures.states.get()},
          {"execution_count", figures.executions.get()},
          {"inference_stats",
           {{"success", span(figures.success)},
            {"fail", span(figures.fail)},
            {"queue", span(figures.queue)},
            {"compute_input", span(figures.input)},
            {"compute_infer", span(figures.infer)},
            {"compute_output", span(figures.output)},
            {"cache_hit", span(figures.cache_hit)},
            {"cache_miss", span(figures.cache_miss)}}},
          {"batch_stats", batches}};
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
  Json entries = Json::array();
  each_statistics(metrics, index, name, version,
                  [&](const IndexRow& row, const VersionFigures& figures) { entries.push_back(entry(row, figures)); });
  return Json{{"model_stats", entries}}.dump();
}

}  // namespace tickmlp::serve
