// SPDX-License-Identifier: Apache-2.0
#include "text_table.h"

#include <algorithm>
#include <cstdio>

#include "audit/box.h"

namespace tickmlp::bench {

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string fixed_point(double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, number);
  return text;
}

std::string with_commas_fixed(double number, int decimals) {
  const std::string text = fixed_point(number, decimals);
  const std::size_t point = std::min(text.find('.'), text.size());
  return with_commas(static_cast<std::uint64_t>(number)) + text.substr(point);
}

// Continuation lines are indented; the first is not, since something stands before it.
std::string describe_ns(double ns) {
  char text[48];
  if (ns < 1e4) std::snprintf(text, sizeof text, "%.10g ns", ns);
  else if (ns < 1e7) std::snprintf(text, sizeof text, "%.6g us", ns / 1e3);
  else if (ns < 1e10) std::snprintf(text, sizeof text, "%.6g ms", ns / 1e6);
  else std::snprintf(text, sizeof text, "%.6g s", ns / 1e9);
  return text;
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t used = indent;
  for (const std::string& word : split_words(text)) {
    if (used > indent && used + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      used = indent;
    } else if (used > indent) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out;
}

std::string columns(const std::vector<std::vector<std::string>>& rows, std::size_t indent, std::size_t first_right) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string filling(widths[i] - row[i].size(), ' ');
      line += (i ? "  " : "") + (i >= first_right ? filling + row[i] : row[i] + filling);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace tickmlp::bench
