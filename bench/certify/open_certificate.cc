// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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
    certificate->checks.push_back(
        {entry.value("file", json()).dump(), false, "is not the table of " + scenario.dump() + " in the log"});
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

}  // namespace

json read_document(const std::string& path) {
  json document = json::parse(read_file(path), nullptr, false);
  if (document.is_discarded())
    refuse(printable(path) + ": certificate-json: is no JSON; expected what `tickmlp certify --json` wrote");
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
  Certificate certificate{read_document(path), {}, {}};
  const json& document = certificate.document;
  certificate.checks.push_back(check_digest(document));
  const json evidence = document.value("evidence", json());
  if (!evidence.is_object() || !evidence.contains("hlog") || !evidence.value("hgrm", json()).is_array()) {
    certificate.checks.push_back({"evidence", false, "the certificate names none"});
    return certificate;
  }
  const std::string folder = folder_of(path);
  check_log(folder, evidence.at("hlog"), &certificate);
  for (const json& entry : evidence.at("hgrm")) check_table(folder, entry, &certificate);
  certificate.checks.push_back(check_figures(document, certificate.evidence));
  return certificate;
}

}  // namespace tickmlp::bench
