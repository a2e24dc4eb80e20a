// SPDX-License-Identifier: Apache-2.0
// The certificate as a JSON document, in two steps: facts, which only the run could know, and what is derived from them
// and from the evidence. Whoever has document and evidence can derive again; `tickmlp verify` does.
#ifndef TICKMLP_BENCH_CERTIFY_DOCUMENT_H_
#define TICKMLP_BENCH_CERTIFY_DOCUMENT_H_
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "certify/budget.h"
#include "certify/correctness.h"
#include "measure/measure.h"

namespace tickmlp::bench {

inline constexpr const char* kCertificateSchema = "tickmlp-certificate/1";

struct InputSet {
  std::string source;  // a file's name, or "the golden vectors"
  std::vector<float> values;
  std::uint64_t states = 0;
  std::string sha256;  // of the values' bytes
};

// Parts of the facts.
nlohmann::json model_facts(const tickmlp_model_info& model, const std::string& blob);
nlohmann::json correctness_facts(const Correctness& correctness);
nlohmann::json method_facts(const Plan& plan, const InputSet& input, const Measurement& measurement);
nlohmann::json scenario_facts(const Measurement& measurement, const tickmlp_clock& clock);
// What a scenario's id says of it: name, kind, path, cache, gap, arrivals, ... An empty object for what is no such id.
nlohmann::json identity_of(const std::string& id);
nlohmann::json audit_facts(const std::vector<AuditRow>& rows);
nlohmann::json budget_facts(const std::vector<Budget>& budgets);
nlohmann::json counter_facts(const Measurement& measurement);

// Every gap of the spinning loop: before, in each re-run, and after.
std::unique_ptr<tickmlp_recorder> all_gaps(const Evidence& evidence);

std::vector<Budget> budgets_of(const nlohmann::json& rows);  // of the document's member "budgets"

// Fills in every derived part of the document, or fills it in again: the same document and evidence give the same
// bytes. Derived are: what a scenario's id says of it, figures of floors, scenarios and comparators, ratios, the soak's
// figures and alerts, budgets' verdicts, verdict and reasons.
void derive(const Evidence& evidence, nlohmann::json* document);

// The last part of derive(): budgets, verdict and reasons.
void derive_verdict(const Evidence& evidence, nlohmann::json* document);

// A number with at most `places` decimals; a whole one becomes an integer, so that every language writes the same text.
nlohmann::json decimal(double value, int places = 2);

// SHA-256 of the canonical form (RFC 8785: sorted keys, no blanks) of all but the key "digest".
std::string digest_of(const nlohmann::json& document);

std::string sha256_of(std::string_view bytes);  // in hexadecimal

}  // namespace tickmlp::bench
#endif
