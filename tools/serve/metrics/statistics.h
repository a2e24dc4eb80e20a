// SPDX-License-Identifier: Apache-2.0
// The statistics extension of the protocol, under Triton's names.
#ifndef TICKMLP_SERVE_METRICS_STATISTICS_H_
#define TICKMLP_SERVE_METRICS_STATISTICS_H_
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/metrics/metrics.h"
#include "serve/repository/repository.h"

namespace tickmlp::serve {

// {"model_stats": [...]}, one entry for each version of `index` that serves; `name` empty: of all models; `version`
// empty: of all versions. What a version did before its last 8 successors came is forgotten.
std::string statistics_json(const Metrics& metrics, const std::vector<IndexRow>& index, std::string_view name,
                            std::optional<std::uint64_t> version);

}  // namespace tickmlp::serve
#endif
