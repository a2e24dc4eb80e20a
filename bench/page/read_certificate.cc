// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "certify/document.h"
#include "cli.h"
#include "page/html.h"
#include "page/page.h"

namespace tickmlp::bench {

using nlohmann::json;

json read_certificate(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse("cannot read " + printable(path) + ": " + std::strerror(errno));
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad() || !file) refuse("cannot read " + printable(path) + ": " + std::strerror(errno));
  json document = json::parse(bytes, nullptr, false);
  if (document.is_discarded()) refuse(printable(path) + " is no JSON; expected a certificate of `tickmlp certify`");
  const json& schema = field(document, "schema");
  if (schema != kCertificateSchema)
    refuse(printable(path) + ": schema " + printable(schema.dump(-1, ' ', true, json::error_handler_t::replace)) +
           "; expected \"" + kCertificateSchema + "\"");
  return document;
}

}  // namespace tickmlp::bench
