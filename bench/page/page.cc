// SPDX-License-Identifier: Apache-2.0
#include "page/page.h"

#include "certify/verify.h"
#include "cli.h"
#include "output_file.h"
#include "page/html.h"

namespace tickmlp::bench {

using nlohmann::json;

std::string section(const std::string& id, const std::string& heading, const std::string& content) {
  if (content.empty()) return "";
  return "<section aria-labelledby=\"" + id + "\">\n<h2 id=\"" + id + "\">" + heading + "</h2>\n" + content +
         "</section>\n";
}

std::string whole_page(const std::string& title, const std::string& body) {
  // The policy forbids the browser every request: the page can be opened beside anything confidential.
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
         "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>" +
         title + "</title>\n<style>\n" + style_sheet() + "</style>\n</head>\n<body>\n" + body + "</body>\n</html>\n";
}

std::string problems_part(const std::vector<std::string>& problems) {
  if (problems.empty()) return "";
  std::string list;
  for (const std::string& problem : problems) list += element("li", "", escaped(problem)) + "\n";
  return element("p", "warning", "This certificate does not verify, so do not rely on what follows.") +
         element("ul", "reasons", list);
}

std::string certificate_page(const json& document, const Evidence& evidence, const std::vector<std::string>& problems) {
  const std::string name = shown(field(document, "model", "name"));
  const std::string body =
      "<header>\n<p class=\"kind\">tickmlp latency certificate</p>\n<h1>" + name + " <span class=\"light\">on core " +
      shown(field(document, "core")) + " of " + shown(field(document, "machine", "cpu")) +
      "</span></h1>\n</header>\n<main>\n" + problems_part(problems) + verdict_part(document) + budget_part(document) +
      results_part(document, evidence) + comparators_part(document) + soak_part(document) + floors_part(document) +
      worst_part(document) + audit_part(document) + accuracy_part(document) + identity_part(document) + "</main>\n";
  return whole_page(shown(field(document, "verdict")) + ": " + name + ", latency certificate", body);
}

int page(const PageOptions& options) {
  check_target(options.output, {options.certificate});
  const Certificate certificate = open_certificate(options.certificate);
  check_target(options.output, certificate.files);
  std::vector<std::string> problems;
  for (const Check& check : certificate.checks)
    if (!check.good) problems.push_back(check.name + ": " + check.seen);
  write_atomically(options.output, {certificate_page(certificate.document, certificate.evidence, problems)});
  print("page written to " + printable(options.output) + "\n");
  return kPass;
}

}  // namespace tickmlp::bench
