// SPDX-License-Identifier: Apache-2.0
// The statistics extension of the protocol, under Triton's names.
#ifndef TICKMLP_SERVE_METRICS_STATISTICS_H_
#define TICKMLP_SERVE_METRICS_STATISTICS_H_
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/metrics/metrics.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

// Tells each version of `index` that serves; `name` empty: of all models; `version` empty: all versions. What a version
// did before its last 8 successors came is forgotten.
void each_statistics(const Metrics& metrics, const std::vector<IndexRow>& index, std::string_view name,
                     std::optional<std::uint64_t> version,
                     const std::function<void(const IndexRow&, const VersionFigures&)>& tell);

// {"model_stats": [...]}, an entry for each of them.
std::string statistics_json(const Metrics& metrics, const std::vector<IndexRow>& index, std::string_view name,
                            std::optional<std::uint64_t> version);

}  // namespace tickmlp::serve
#endif
