// SPDX-License-Identifier: Apache-2.0
// How far a model's outputs are from those of the float32 blob of the same model.
#ifndef TICKMLP_BENCH_CERTIFY_REFERENCE_H_
#define TICKMLP_BENCH_CERTIFY_REFERENCE_H_
#include <nlohmann/json.hpp>
#include <string>

#include "model.h"

namespace tickmlp::bench {

// Errors are whole billionths, rounded up, and shares whole millionths, rounded down: small decimals are written
// differently in different languages, and no rounding flatters.
nlohmann::json billionths(double error);
nlohmann::json millionths(double share);

// Runs `states` [count][inputs] through both, in full, on the calling thread: 4 us a state and 230 lanes. Gives
// {blob, blob_sha256, name, same_source, states, heads: [{name, activation, largest_error_ppb, argmax_agreement_ppm}]}:
// errors of probabilities are absolute, those of values relative to the largest magnitude of the reference's values
// (absolute where all are 0); the agreement is null for a head of one output. Refuses (exit 4) by name: reference-type
// (not float32), reference-shape (other inputs, outputs or heads), and a state for which the reference has no output.
nlohmann::json reference_facts(const std::string& path, const Model& model, tickmlp_session* session,
                               const float* states, std::uint64_t count);

// The float32 blob beside an int8 one, as weights/ and the exporter's examples name them: NAME-int8.blob and
// NAME-float32.blob in one folder. "" where the name is no such name or there is no such file.
std::string reference_beside(const std::string& blob);

struct Reference {
  nlohmann::json facts;          // reference_facts(), or null
  std::string why_not_compared;  // "" where it was
};
// Against `given`, which is refused as above; where that is "", against the one beside `blob`. Nobody asked for that
// one: where it cannot be compared, or was exported from another source, it is left out and `why_not_compared` says so.
Reference find_reference(const std::string& given, const std::string& blob, const Model& model,
                         tickmlp_session* session, const float* states, std::uint64_t count);

// Of each head: {name, activation, hidden, outputs}.
nlohmann::json head_shapes(const Model& model);

// What the exporter measured and the blob keeps, in the same units: {states, clipped_inputs, heads: [...]}, each head
// with mean_error_ppb besides.
nlohmann::json stored_accuracy(const Model& model);

}  // namespace tickmlp::bench
#endif
