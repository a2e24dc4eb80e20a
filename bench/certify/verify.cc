// SPDX-License-Identifier: Apache-2.0
#include "certify/verify.h"

#include "certify/document.h"
#include "certify/signature.h"
#include "cli.h"
#include "input_file.h"
#include "text_table.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// With a key the signature must be there and fit; without one it is only said that nobody looked.
Check check_signature(const VerifyOptions& options) {
  const std::string path = options.certificate + ".sig";
  const bool there = file_exists(path);
  if (options.public_key.empty())
    return {"signature", true, there ? "there, not checked: no --public-key given" : "none"};
  const Key key = read_public_key(options.public_key);
  if (!there) return {"signature", false, "none: " + printable(path) + " is missing"};
  const bool fits = signature_fits(key, read_file(options.certificate), read_file(path, 4096));
  return {"signature", fits, fits ? "fits the key" : "does not fit this key and these bytes"};
}

Check check_blob(const VerifyOptions& options, const json& document) {
  const std::string computed = sha256_of(read_file(options.blob));
  const json stated = document.value("/model/blob_sha256"_json_pointer, json());
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

}  // namespace

int verify(const VerifyOptions& options) {
  Certificate certificate = open_certificate(options.certificate);
  if (!options.blob.empty()) certificate.checks.push_back(check_blob(options, certificate.document));
  certificate.checks.push_back(check_signature(options));
  const json verdict = certificate.document.value("verdict", json());
  if (options.json) {
    json checks = json::array();
    for (const Check& check : certificate.checks)
      checks.push_back({{"name", check.name}, {"good", check.good}, {"seen", check.seen}});
    const json report{{"schema", "tickmlp-verify/1"}, {"valid", certificate.valid()}, {"checks", checks}};
    print(report.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  } else {
    print(printable(options.certificate) + "\n" + text_of(certificate.checks));
    print(certificate.valid() ? "valid: the certificate says what its evidence says. Its verdict is " +
                                    (verdict.is_string() ? verdict.get<std::string>() : verdict.dump()) + ".\n"
                              : "INVALID: do not rely on this certificate.\n");
  }
  flush_output();
  return certificate.valid() ? kPass : kFail;
}

}  // namespace tickmlp::bench
