// SPDX-License-Identifier: Apache-2.0
#include "certify/verify.h"

#include "certify/document.h"
#include "certify/signature.h"
#include "cli.h"
#include "input_file.h"
#include "report_frame.h"
#include "text_table.h"
#include "tickmlp.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// With a key the signature must be there and fit; without one it is only said that nobody looked.
struct Signature {
  std::string state;  // in the report: "none", "not checked", "fits", "missing", "does not fit"
  Check check;
};

Signature check_signature(const VerifyOptions& options) {
  const std::string path = options.certificate + ".sig";
  const bool there = file_exists(path);
  const auto seen = [](const char* state, bool good, const std::string& text) {
    return Signature{state, {"signature", good, text}};
  };
  if (options.public_key.empty())
    return there ? seen("not checked", true, "there, not checked: no --public-key given")
                 : seen("none", true,
                        "none. Unsigned, it is as good as the way it came: who edits it can make all above anew");
  const Key key = read_public_key(options.public_key);
  if (!there) return seen("missing", false, "none: " + printable(path) + " is missing");
  return signature_fits(key, read_file(options.certificate), read_file(path, 4096))
             ? seen("fits", true, "fits the key " + printable(options.public_key))
             : seen("does not fit", false, "does not fit this key and these bytes");
}

Check check_blob(const VerifyOptions& options, const json& document) {
  const std::string computed = sha256_of(read_file(options.blob));
  const auto place = "/model/blob_sha256"_json_pointer;
  const json stated = document.contains(place) ? document.at(place) : json();
  return {"model file", stated == computed,
          stated == computed ? "the one that was measured"
                             : "its SHA-256 is " + computed + ", measured was " + stated.dump()};
}

std::string text_of(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    const std::size_t line_end = check.seen.find('\n');
    text += std::string(check.good ? "  good     " : "  WRONG    ") + check.name + ": " +
            wrapped(check.seen.substr(0, line_end), 11) +
            (line_end == std::string::npos ? "" : check.seen.substr(line_end)) + "\n";
  }
  return text;
}

std::string signed_text(const std::string& state, const std::string& public_key) {
  if (state == "fits") return "signed by the owner of " + printable(public_key);
  return state == "none" ? "unsigned" : "signature not checked";
}

// Words of reasons are computed again too, so another version may find other ones.
std::string made_by(const json& document) {
  const auto text = [&](const char* pointer) {
    const json::json_pointer place(pointer);
    const json value = document.contains(place) ? document.at(place) : json();
    return value.is_string() ? printable(value.get<std::string>()) : std::string("unknown");
  };
  const std::string version = text("/tool/version"), commit = text("/tool/commit");
  return "tickmlp " + version + ", commit " + commit.substr(0, 12) + (commit.ends_with("-dirty") ? "-dirty" : "") +
         "; its schema is " + text("/schema") +
         (version == tickmlp_version() ? "" : std::string(". This is tickmlp ") + tickmlp_version());
}

}  // namespace

int verify(const VerifyOptions& options) {
  Certificate certificate = open_certificate(options.certificate);
  if (!options.blob.empty()) certificate.checks.push_back(check_blob(options, certificate.document));
  const Signature signature = check_signature(options);
  certificate.checks.push_back(signature.check);
  const json verdict = certificate.document.value("verdict", json());
  if (options.json) {
    json checks = json::array();
    for (const Check& check : certificate.checks)
      checks.push_back({{"name", check.name}, {"good", check.good}, {"seen", check.seen}});
    const json report{{"schema", "tickmlp-verify/1"},
                      {"valid", certificate.valid()},
                      {"verdict", verdict},
                      {"signature", signature.state},
                      {"certificate_schema", certificate.document.at("schema")},
                      {"tool", certificate.document.value("tool", json())},
                      {"checks", checks}};
    print(json_text(report));
  } else {
    print(printable(options.certificate) + "\n" + text_of(certificate.checks));
    print("  made by  " + wrapped(made_by(certificate.document), 11) + "\n");
    print(certificate.valid() ? "valid, " + signed_text(signature.state, options.public_key) +
                                    ": the certificate says what its evidence says. Its verdict is " +
                                    (verdict.is_string() ? verdict.get<std::string>() : verdict.dump()) + ".\n"
                              : "INVALID: do not rely on this certificate.\n");
  }
  flush_output();
  return certificate.valid() ? kPass : kFail;
}

}  // namespace tickmlp::bench
