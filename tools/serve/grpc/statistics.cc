// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/statistics.h"

#include "serve/grpc/statistics.h"

namespace tickmlp::serve {
namespace {

void put(const Span& from, inference::StatisticDuration* to) {
  to->set_count(from.count.get());
  to->set_ns(from.ns.get());
}

void put(const IndexRow& row, const VersionFigures& figures, inference::ModelStatistics* to) {
  to->set_name(row.name);
  to->set_version(row.version);
  to->set_last_inference(figures.last_ms.get());
  to->set_inference_count(figures.states.get());
  to->set_execution_count(figures.executions.get());
  inference::InferStatistics* stats = to->mutable_inference_stats();
  put(figures.success, stats->mutable_success());
  put(figures.fail, stats->mutable_fail());
  put(figures.queue, stats->mutable_queue());
  put(figures.input, stats->mutable_compute_input());
  put(figures.infer, stats->mutable_compute_infer());
  put(figures.output, stats->mutable_compute_output());
  put(figures.cache_hit, stats->mutable_cache_hit());
  put(figures.cache_miss, stats->mutable_cache_miss());
  for (const BatchFigures& from : figures.batches) {
    if (from.states.get() == 0) continue;
    inference::InferBatchStatistics* batch = to->add_batch_stats();
    batch->set_batch_size(from.states.get());
    put(from.input, batch->mutable_compute_input());
    put(from.infer, batch->mutable_compute_infer());
    put(from.output, batch->mutable_compute_output());
  }
}

}  // namespace

ByteBuffer statistics_bytes(const GrpcHost& host, const std::string& name, std::optional<std::uint64_t> version) {
  inference::ModelStatisticsResponse response;
  each_statistics(
      host.metrics, host.repository.index(), name, version,
      [&](const IndexRow& row, const VersionFigures& figures) { put(row, figures, response.add_model_stats()); });
  return to_bytes(response);
}

}  // namespace tickmlp::serve
