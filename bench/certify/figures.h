// SPDX-License-Identifier: Apache-2.0
// The figures of one series of the evidence, as they stand in the certificate.
#ifndef TICKMLP_BENCH_CERTIFY_FIGURES_H_
#define TICKMLP_BENCH_CERTIFY_FIGURES_H_
#include <nlohmann/json.hpp>

#include "evidence/summary.h"

namespace tickmlp::bench {

// What any recorder says of itself: count, central, mean, extremes and percentiles; null where the samples are too few.
nlohmann::json plain_figures(const tickmlp_recorder& recorder);

// Over all re-runs, with intervals, epochs and each re-run alone; null where the samples are too few.
nlohmann::json figures_of(const Summary& summary);

}  // namespace tickmlp::bench
#endif
