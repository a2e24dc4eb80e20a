// SPDX-License-Identifier: Apache-2.0
// The certificate as one HTML file for people. It reads the document and the evidence, and nothing else.
#ifndef TICKMLP_BENCH_PAGE_PAGE_H_
#define TICKMLP_BENCH_PAGE_PAGE_H_
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evidence/histogram.h"

namespace tickmlp::bench {

// A whole file: no script, nothing loaded from anywhere. Without evidence (an empty map) curves are drawn from the
// document's percentiles, and there is no histogram. A document may lack any field; what it lacks reads "-". UTF-8.
// `problems`: what does not verify, in words, shown above everything else.
std::string certificate_page(const nlohmann::json& document, const Evidence& evidence,
                             const std::vector<std::string>& problems = {});

// Head and foot of any page of ours: title and body are HTML already.
std::string whole_page(const std::string& title, const std::string& body);
std::string style_sheet();

// Parts of the page, in its order.
std::string verdict_part(const nlohmann::json& document);
std::string budget_part(const nlohmann::json& document);
std::string results_part(const nlohmann::json& document, const Evidence& evidence);
std::string soak_part(const nlohmann::json& document);
std::string floors_part(const nlohmann::json& document);
std::string worst_part(const nlohmann::json& document);
std::string accuracy_part(const nlohmann::json& document);
std::string comparators_part(const nlohmann::json& document);
std::string audit_part(const nlohmann::json& document);
std::string identity_part(const nlohmann::json& document);

// A section with a heading that can be linked to.
std::string section(const std::string& id, const std::string& heading, const std::string& content);

struct PageOptions {
  std::string certificate, output;
};
int page(const PageOptions& options);

}  // namespace tickmlp::bench
#endif
