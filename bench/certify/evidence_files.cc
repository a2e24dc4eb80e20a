// SPDX-License-Identifier: Apache-2.0
#include "certify/evidence_files.h"

#include "certify/document.h"
#include "evidence/hgrm.h"
#include "evidence/hlog.h"
#include "soak/soak.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// "report" of "a/b/report.json"; a name without that ending stays whole.
std::string stem_of(const std::string& path) {
  const std::string name = path.substr(folder_of(path).size()), ending = ".json";
  const bool ends =
      name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
  return ends ? name.substr(0, name.size() - ending.size()) : name;
}

}  // namespace

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::vector<std::string> evidence_paths(const std::string& json_path, const std::vector<std::string>& scenarios) {
  const std::string start = folder_of(json_path) + stem_of(json_path);
  std::vector<std::string> paths{start + ".hlog"};
  for (const std::string& id : scenarios) paths.push_back(start + "." + id + ".hgrm");
  return paths;
}

std::vector<EvidenceFile> evidence_files(const std::string& json_path, const json& document, const Evidence& evidence) {
  const std::string stem = stem_of(json_path);
  std::vector<EvidenceFile> files{{stem + ".hlog", "", write_hlog(evidence, document.at("started"))}};
  std::vector<std::string> ids;
  for (const char* list : {"scenarios", "comparators"})
    for (const json& entry : document.at(list)) ids.push_back(entry.at("id"));
  ids.push_back(kSoakId);
  for (const std::string& id : ids) {
    const auto found = evidence.find(id);
    if (found != evidence.end()) files.push_back({stem + "." + id + ".hgrm", id, write_hgrm(found->second)});
  }
  return files;
}

json evidence_facts(const std::vector<EvidenceFile>& files) {
  json facts{{"hlog", nullptr}, {"hgrm", json::array()}};
  for (const EvidenceFile& file : files) {
    json entry{{"file", file.name}, {"sha256", sha256_of(file.bytes)}};
    if (file.scenario.empty()) {
      facts["hlog"] = entry;
    } else {
      entry["scenario"] = file.scenario;
      facts["hgrm"].push_back(entry);
    }
  }
  return facts;
}

}  // namespace tickmlp::bench
