// SPDX-License-Identifier: Apache-2.0
// The files beside a certificate: report.json has report.hlog, and report.full-hot.hgrm for each scenario.
#ifndef TICKMLP_BENCH_CERTIFY_EVIDENCE_FILES_H_
#define TICKMLP_BENCH_CERTIFY_EVIDENCE_FILES_H_
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evidence/histogram.h"

namespace tickmlp::bench {

struct EvidenceFile {
  std::string name;      // without its folder
  std::string scenario;  // whose table it is; "" for the log
  std::string bytes;
};

// The paths that evidence_files() may use for these scenarios.
std::vector<std::string> evidence_paths(const std::string& json_path, const std::vector<std::string>& scenarios);

// Of a certificate that is written to `json_path`: the log first, then a table for each scenario and comparator.
std::vector<EvidenceFile> evidence_files(const std::string& json_path, const nlohmann::json& document,
                                         const Evidence& evidence);

// What the certificate says of them: {"hlog": {file, sha256}, "hgrm": [{scenario, file, sha256}]}.
nlohmann::json evidence_facts(const std::vector<EvidenceFile>& files);

// "a/b/" of "a/b/report.json", "" of "report.json".
std::string folder_of(const std::string& path);

}  // namespace tickmlp::bench
#endif
