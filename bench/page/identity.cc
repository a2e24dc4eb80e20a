// SPDX-License-Identifier: Apache-2.0
// The audit, and everything that says what was measured on what, how, and how it can be checked.
#include "page/html.h"
#include "page/page.h"

namespace tickmlp::bench {
namespace {

using nlohmann::json;

// "memory_isa" to "memory isa"; escaped.
std::string spaced(std::string name) {
  for (char& c : name) c = c == '_' ? ' ' : c;
  return escaped(name);
}

// Every field of an object; objects inside become "outer, inner". Long values may break anywhere.
void add_fields(const json& object, const std::string& before, std::vector<std::pair<std::string, std::string>>* rows) {
  for (const auto& [name, value] : object.items()) {
    const std::string label = before.empty() ? spaced(name) : before + ", " + spaced(name);
    if (value.is_object()) add_fields(value, label, rows);
    else if (!value.is_array() || value.empty() || !value[0].is_object())  // lists of objects are tables elsewhere
      rows->push_back({label, element("span", "value", shown(value))});
  }
}

std::string fields(const json& object) {
  std::vector<std::pair<std::string, std::string>> rows;
  if (object.is_object()) add_fields(object, "", &rows);
  return rows.empty() ? element("p", "", "-") : definitions(rows);
}

std::string group(const std::string& heading, const std::string& content) {
  return element("article", "group", element("h3", "", heading) + content) + "\n";
}

std::string named(const json& document, const std::vector<std::string>& names) {
  json chosen = json::object();
  for (const std::string& name : names)
    if (document.contains(name)) chosen[name] = document.at(name);
  return fields(chosen);
}

std::string verify_text(const json& document) {
  const json& log = field(document, "evidence", "hlog");
  std::string out = element("p", "",
                            "Every figure of this page is computed from the histograms beside the "
                            "certificate. Whoever has the three files computes them again, and notices any "
                            "edited figure:");
  out += "<pre><code>tickmlp verify CERTIFICATE.json\nsha256sum " +
         (log.is_object() ? shown(field(log, "file")) : std::string("CERTIFICATE.hlog")) + "</code></pre>\n";
  if (!log.is_object()) out += element("p", "note", "This certificate names no files of evidence.");
  return out;
}

}  // namespace

std::string audit_part(const json& document) {
  std::vector<std::vector<std::string>> rows;
  std::size_t passed = 0;
  for (const json& row : field(document, "audit")) {
    const json& grade = field(row, "grade");
    passed += grade == "pass";
    const bool forcing = field(row, "forcing") == true;
    rows.push_back(
        {shown(field(row, "name")) + (forcing ? " <abbr title=\"keeps the verdict from PASS\">*</abbr>" : ""),
         badge(grade.is_string() ? grade.get<std::string>() : "-"), shown(field(row, "seen")), shown(field(row, "why")),
         shown(field(row, "mend"))});
  }
  if (rows.empty()) return "";
  const std::string text = std::to_string(passed) + " of " + std::to_string(rows.size()) +
                           " rows pass. Only what was read stands here; nothing was changed on the machine. A row "
                           "marked * that does not pass keeps the verdict from PASS.";
  return section("audit", "Audit of the machine",
                 element("p", "", text) + table("Audit", {"what", "grade", "seen", "why it matters", "how to mend it"},
                                                rows, "plain audit"));
}

std::string identity_part(const json& document) {
  if (!document.is_object()) return "";
  std::string out = group("Model", named(document, {"model", "kernel"})) +
                    group("Correctness, checked before anything was timed", fields(field(document, "correctness"))) +
                    group("Machine", named(document, {"machine", "clock", "core", "host"})) +
                    group("Method", fields(field(document, "method"))) +
                    group("What happened meanwhile", fields(field(document, "counters"))) +
                    group("Identity", named(document, {"schema", "tool", "command", "started", "finished", "digest"}));
  if (field(document, "evidence").is_object()) out += group("Evidence", fields(field(document, "evidence")));
  return section("verify", "How to check this certificate", verify_text(document)) +
         section("identity", "What was measured, on what, and how", element("div", "groups", out));
}

}  // namespace tickmlp::bench
