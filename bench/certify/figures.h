// SPDX-License-Identifier: Apache-2.0
// The figures of one series of the evidence, as they stand in the certificate.
#ifndef TICKMLP_BENCH_CERTIFY_FIGURES_H_
#define TICKMLP_BENCH_CERTIFY_FIGURES_H_
#include <memory>
#include <nlohmann/json.hpp>

#include "evidence/histogram.h"

namespace tickmlp::bench {

// Over all re-runs, with intervals, epochs and each re-run alone; null where the samples are too few.
nlohmann::json figures_of(const SeriesEvidence& series);

// All blocks of all re-runs, or of one.
std::unique_ptr<tickmlp_recorder> merged(const SeriesEvidence& series);
std::unique_ptr<tickmlp_recorder> merged(const Run& run);

}  // namespace tickmlp::bench
#endif
