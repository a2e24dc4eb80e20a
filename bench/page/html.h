// SPDX-License-Identifier: Apache-2.0
// Text, numbers and tables as HTML that is well-formed XML too. Whatever comes out of a document may be of any type and
// hold any text: what is missing reads "-", and everything is escaped.
#ifndef TICKMLP_BENCH_PAGE_HTML_H_
#define TICKMLP_BENCH_PAGE_HTML_H_
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tickmlp::bench {

// The markup characters as references; what XML cannot hold (control characters) as U+FFFD.
std::string escaped(const std::string& text);

// A field of an object; null when there is no such field or no object.
const nlohmann::json& field(const nlohmann::json& object, const std::string& name);
// The same, one step further in for each name.
const nlohmann::json& field(const nlohmann::json& object, const std::string& outer, const std::string& inner);
std::optional<double> number(const nlohmann::json& value);

// Escaped. Strings as they are, numbers with thousands marked, yes and no, "-" for null; lists with commas.
std::string shown(const nlohmann::json& value);
// "871 ns", "3.3 µs", "8.13 ms": four significant digits, "-" when it is no number.
std::string shown_time(const nlohmann::json& ns);
std::string duration(double ns, int digits = 4);

// <name class="...">content</name>; the class may be empty. The content is HTML already.
std::string element(const std::string& name, const std::string& css_class, const std::string& content);

// A table that can be scrolled sideways where the screen is narrow. Cells are HTML; the first cell of a row heads it.
std::string table(const std::string& caption, const std::vector<std::string>& heads,
                  const std::vector<std::vector<std::string>>& rows, const std::string& css_class = "");

// Names with their values, as a definition list. Values are HTML.
std::string definitions(const std::vector<std::pair<std::string, std::string>>& rows);

// "PASS" and the like with its sign, so that no colour is needed; also the audit's grades.
std::string badge(const std::string& word);

}  // namespace tickmlp::bench
#endif
