// SPDX-License-Identifier: Apache-2.0
// Triton's names, for dashboards that were made for it. They count microseconds in whole numbers, have no _total, and
// their labels are model and version.
#include "serve/metrics/exposition.h"

namespace tickmlp::serve {
namespace {

struct Row {
  const char *name, *help;
  std::uint64_t (*value)(const VersionFigures&);
};

template <Span VersionFigures::*kSpan>
std::uint64_t count(const VersionFigures& figures) {
  return (figures.*kSpan).count.get();
}
template <Span VersionFigures::*kSpan>
std::uint64_t microseconds(const VersionFigures& figures) {
  return (figures.*kSpan).ns.get() / 1000;
}

using F = VersionFigures;
constexpr Row kRows[] = {
    {"nv_inference_request_success", "Number of successful inference requests, all batch sizes", count<&F::success>},
    {"nv_inference_request_failure", "Number of failed inference requests, all batch sizes", count<&F::fail>},
    {"nv_inference_count", "Number of inferences performed (does not include cached requests)",
     [](const F& figures) { return figures.states.get(); }},
    {"nv_inference_exec_count", "Number of model executions performed (does not include cached requests)",
     [](const F& figures) { return figures.executions.get(); }},
    {"nv_inference_request_duration_us", "Cumulative inference request duration in microseconds",
     [](const F& figures) { return (figures.success.ns.get() + figures.fail.ns.get()) / 1000; }},
    {"nv_inference_queue_duration_us", "Cumulative inference queuing duration in microseconds",
     microseconds<&F::queue>},
    {"nv_inference_compute_input_duration_us", "Cumulative compute input duration in microseconds",
     microseconds<&F::input>},
    {"nv_inference_compute_infer_duration_us", "Cumulative compute inference duration in microseconds",
     microseconds<&F::infer>},
    {"nv_inference_compute_output_duration_us", "Cumulative inference compute output duration in microseconds",
     microseconds<&F::output>},
    {"nv_cache_num_hits_per_model", "Number of cache hits per model", count<&F::cache_hit>},
    {"nv_cache_num_misses_per_model", "Number of cache misses per model", count<&F::cache_miss>},
    {"nv_cache_hit_duration_per_model", "Total cache hit duration per model, in microseconds",
     microseconds<&F::cache_hit>},
    {"nv_cache_miss_duration_per_model", "Total cache miss duration per model, in microseconds",
     microseconds<&F::cache_miss>}};

}  // namespace

std::string triton_exposition(const Metrics& metrics, const ServerState& state) {
  Exposition out;
  for (const Row& row : kRows) {
    out.family(row.name, "counter", row.help);
    for (const IndexRow& model : state.index) {
      if (model.state != "READY") continue;
      VersionFigures figures;
      for (const ModelFigures* one : metrics.models(model.name)) one->add_version(model.generation, &figures);
      out.sample(label("model", model.name) + "," + label("version", model.version), row.value(figures));
    }
  }
  return out.take();
}

}  // namespace tickmlp::serve
