// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "certify/document.h"
#include "certify/evidence_files.h"
#include "certify/verify.h"
#include "cli.h"
#include "evidence/hgrm.h"
#include "evidence/hlog.h"
#include "input_file.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kMostShown = 10;  // differences
constexpr int kDeepest = 32;            // a certificate nests 7 deep; what computes its digest recurses

Check check_digest(const json& document) {
  const json stated = document.value("digest", json());
  const std::string computed = digest_of(document);
  return {"digest", stated == computed,
          stated == computed ? computed : "is " + computed + ", the certificate says " + stated.dump()};
}

// A name that leaves the folder would make this program hash, and show, other files.
bool plain_name(const json& name) {
  return name.is_string() && !name.get<std::string>().empty() && name.get<std::string>().find('/') == std::string::npos;
}

// The bytes of a file that the certificate names, and the check of its hash.
std::string read_evidence(const std::string& folder, const json& entry, std::vector<Check>* checks) {
  const json name = entry.is_object() ? entry.value("file", json()) : json();
  if (!plain_name(name)) {
    checks->push_back({"evidence", false, "the certificate names no file beside it, but " + name.dump()});
    return "";
  }
  const std::string file = name;
  try {
    std::string bytes = read_file(folder + file);
    const std::string computed = sha256_of(bytes);
    const bool same = entry.value("sha256", json()) == computed;
    checks->push_back(
        {file, same,
         same ? "SHA-256 as stated"
              : "its SHA-256 is " + computed + ", the certificate says " + entry.value("sha256", json()).dump()});
    return bytes;
  } catch (const Failure& failure) {
    checks->push_back({file, false, failure.message});
    return "";
  }
}

void check_log(const std::string& folder, const json& entry, Certificate* certificate) {
  const std::string bytes = read_evidence(folder, entry, &certificate->checks);
  if (bytes.empty()) return;
  try {
    certificate->evidence = read_hlog(bytes, entry.at("file"));
  } catch (const Failure& failure) {
    certificate->checks.push_back({"histograms", false, failure.message});
  }
}

void check_table(const std::string& folder, const json& entry, Certificate* certificate) {
  const std::string bytes = read_evidence(folder, entry, &certificate->checks);
  const json scenario = entry.is_object() ? entry.value("scenario", json()) : json();
  const auto found = certificate->evidence.find(scenario.is_string() ? scenario.get<std::string>() : "");
  const bool same = found != certificate->evidence.end() && write_hgrm(found->second) == bytes;
  if (!same)
    certificate->checks.push_back({entry.is_object() ? entry.value("file", json()).dump() : entry.dump(), false,
                                   "is not the table of " + scenario.dump() + " in the log"});
}

// Whatever the document says of what can be computed is computed again.
Check check_figures(const json& document, const Evidence& evidence) {
  json again = document;
  try {
    derive(evidence, &again);
  } catch (const std::exception& error) {  // a field that is missing or of another type
    return {"figures", false, std::string("cannot be computed again: ") + error.what()};
  }
  const json differences = json::diff(document, again);
  if (differences.empty()) return {"figures", true, "every figure, ratio and verdict computed again from the evidence"};
  std::string text = std::to_string(differences.size()) + " differ:";
  for (std::size_t i = 0; i < std::min(differences.size(), kMostShown); ++i) {
    const json& difference = differences[i];
    const json::json_pointer where(difference.at("path").get<std::string>());
    text += "\n  " + where.to_string() + ": is " + difference.value("value", json()).dump() +
            ", the certificate says " + (document.contains(where) ? document.at(where).dump() : "nothing");
  }
  return {"figures", false, text};
}

// A scenario that was measured may not be left out of what is shown.
Check check_scenarios(const json& document, const Evidence& evidence) {
  const auto names = [](const json& rows, const char* key) {
    std::multiset<std::string> found;
    for (const json& row : rows)
      if (const json name = row.is_object() ? row.value(key, json()) : json(); name.is_string()) found.insert(name);
    return found;
  };
  const auto listed = names(document.value("scenarios", json::array()), "id");
  const auto tables = names(document.at("evidence").at("hgrm"), "scenario");
  std::string wrong;
  const auto complain = [&](const std::string& what) { wrong += (wrong.empty() ? "" : "; ") + what; };
  for (const auto& [id, series] : evidence) {
    if (!id.starts_with("full-") && !id.starts_with("tick-")) continue;
    if (listed.count(id) != 1 || tables.count(id) != 1)
      complain(id + " of the log is listed " + std::to_string(listed.count(id)) + " times and has " +
               std::to_string(tables.count(id)) + " tables, expected 1 and 1");
  }
  for (const std::string& id : listed)
    if (listed.count(id) != 1) return {"scenarios", false, in_quotes(id) + " is listed twice"};
  return {"scenarios", wrong.empty(), wrong.empty() ? "all that were measured are listed" : wrong};
}

[[noreturn]] void refuse_json(const std::string& path, const std::string& what) {
  refuse(printable(path) + ": certificate-json: " + what + "; expected what `tickmlp certify --json` wrote");
}

}  // namespace

json read_document(const std::string& path) {
  // Of two equal keys nlohmann's parser keeps the last and others the first: such a text has no one meaning.
  std::vector<std::set<std::string>> keys;  // of the open objects, by depth
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    const auto level = static_cast<std::size_t>(depth);
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      if (depth >= kDeepest) refuse_json(path, "nests deeper than " + std::to_string(kDeepest) + " levels");
      keys.resize(level + 2);
      keys.back().clear();
    }
    if (event == json::parse_event_t::key && !keys[level].insert(parsed).second)
      refuse_json(path, "has the key " + in_quotes(parsed.get<std::string>()) + " twice in one object");
    return true;
  };
  const json document = json::parse(read_file(path), check, false);
  if (document.is_discarded()) refuse_json(path, "is no JSON");
  const json schema = document.is_object() ? document.value("schema", json()) : json();
  if (schema != kCertificateSchema)
    refuse(printable(path) + ": certificate-schema: schema is " +
           printable(schema.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 80)) + "; expected \"" +
           kCertificateSchema + "\"");
  return document;
}

bool Certificate::valid() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.good; });
}

Certificate open_certificate(const std::string& path) {
  Certificate certificate{read_document(path), {}, {}, {}};
  const json& document = certificate.document;
  certificate.checks.push_back(check_digest(document));
  const json evidence = document.value("evidence", json());
  if (!evidence.is_object() || !evidence.contains("hlog") || !evidence.value("hgrm", json()).is_array()) {
    certificate.checks.push_back({"evidence", false, "the certificate names none"});
    return certificate;
  }
  const std::string folder = folder_of(path);
  certificate.files = {path, path + ".sig"};
  const auto name = [&](const json& entry) {
    if (const json file = entry.is_object() ? entry.value("file", json()) : json(); plain_name(file))
      certificate.files.push_back(folder + file.get<std::string>());
  };
  name(evidence.at("hlog"));
  for (const json& entry : evidence.at("hgrm")) name(entry);
  check_log(folder, evidence.at("hlog"), &certificate);
  for (const json& entry : evidence.at("hgrm")) check_table(folder, entry, &certificate);
  certificate.checks.push_back(check_scenarios(document, certificate.evidence));
  certificate.checks.push_back(check_figures(document, certificate.evidence));
  certificate.checks.push_back(check_facts(document, certificate.evidence));
  return certificate;
}

}  // namespace tickmlp::bench
