// SPDX-License-Identifier: Apache-2.0
#include "page/html.h"

#include <cmath>
#include <cstdio>
#include <map>

#include "text_table.h"

namespace tickmlp::bench {

using nlohmann::json;

std::string escaped(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') out += "\xEF\xBF\xBD";
    else out += c;
  }
  return out;
}

const json& field(const json& object, const std::string& name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

const json& field(const json& object, const std::string& outer, const std::string& inner) {
  return field(field(object, outer), inner);
}

std::optional<double> number(const json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

std::string shown(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return escaped(value.get<std::string>());
  if (value.is_number_unsigned()) return with_commas(value.get<std::uint64_t>());
  if (!value.is_array()) return escaped(value.dump(-1, ' ', false, json::error_handler_t::replace));
  std::string list;
  for (const json& entry : value) list += (list.empty() ? "" : ", ") + shown(entry);
  return list.empty() ? "-" : list;
}

std::string duration(double ns, int digits) {
  static constexpr std::pair<double, const char*> kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
  for (const auto& [size, unit] : kUnits) {
    if (std::abs(ns) < size && size > 1) continue;
    char text[48];
    const double value = ns / size;
    std::snprintf(text, sizeof text, "%.*g %s", digits, value, unit);
    return text;
  }
  return "-";
}

std::string shown_time(const json& ns) {
  const auto value = number(ns);
  return value ? duration(*value) : "-";
}

std::string element(const std::string& name, const std::string& css_class, const std::string& content) {
  return "<" + name + (css_class.empty() ? "" : " class=\"" + css_class + "\"") + ">" + content + "</" + name + ">";
}

std::string table(const std::string& caption, const std::vector<std::string>& heads,
                  const std::vector<std::vector<std::string>>& rows, const std::string& css_class) {
  // A region with a tab stop: who uses the keyboard can scroll it.
  std::string out = "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + caption + "\"><table" +
                    (css_class.empty() ? "" : " class=\"" + css_class + "\"") + ">\n<caption>" + caption +
                    "</caption>\n<thead><tr>";
  for (const std::string& head : heads) out += "<th scope=\"col\">" + head + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? "<th scope=\"row\">" + row[i] + "</th>" : element("td", "", row[i]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string out = "<dl>\n";
  for (const auto& [name, value] : rows) out += "<dt>" + name + "</dt><dd>" + value + "</dd>\n";
  return out + "</dl>\n";
}

std::string badge(const std::string& word) {
  static const std::map<std::string, std::pair<const char*, const char*>> kKnown = {
      {"PASS", {"good", "✓"}}, {"FAIL", {"bad", "✗"}},  {"INCONCLUSIVE", {"open", "?"}}, {"pass", {"good", "✓"}},
      {"fail", {"bad", "✗"}},  {"warn", {"open", "!"}}, {"unknown", {"mute", "?"}}};
  const auto found = kKnown.find(word);
  if (found == kKnown.end()) return element("span", "badge mute", escaped(word));
  const auto& [css, sign] = found->second;
  return "<span class=\"badge " + std::string(css) + "\"><span aria-hidden=\"true\">" + sign + "</span> " + word +
         "</span>";
}

}  // namespace tickmlp::bench
