// SPDX-License-Identifier: Apache-2.0
#include "audit/box.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tickmlp::bench {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Fields of a core's line in /proc/stat: user nice system idle iowait irq softirq steal.
std::vector<std::int64_t> stat_fields(const Box& box, int core) {
  std::vector<std::int64_t> fields;
  for (const std::string& word : split_words(box.line("/proc/stat", "cpu" + std::to_string(core)).value_or("")))
    fields.push_back(to_number(word).value_or(0));
  return fields;
}

}  // namespace

std::optional<std::string> Box::read(const std::string& path) const {
  std::ifstream file(root_ + path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return std::nullopt;
  return std::string(trimmed(text.str()));
}

std::optional<std::string> Box::bytes(const std::string& path, std::size_t count) const {
  std::ifstream file(root_ + path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(count, '\0');
  file.read(text.data(), static_cast<std::streamsize>(count));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::vector<std::string> Box::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(root_ + folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> Box::line(const std::string& path, std::string_view key) const {
  const auto text = read(path);
  if (!text) return std::nullopt;
  for (const std::string& line : split(*text, '\n')) {
    const std::string_view each = line;
    if (each.substr(0, key.size()) != key) continue;
    std::string_view rest = trimmed(each.substr(key.size()));
    if (!rest.empty() && rest[0] == ':') rest = trimmed(rest.substr(1));
    else if (each.size() > key.size() && kBlanks.find(each[key.size()]) == std::string_view::npos) continue;
    return std::string(rest);
  }
  return std::nullopt;
}

std::optional<std::string> Box::boot_argument(std::string_view name) const {
  for (const std::string& word : split_words(read("/proc/cmdline").value_or(""))) {
    if (word == name) return "";
    if (word.size() > name.size() && word.substr(0, name.size()) == name && word[name.size()] == '=')
      return word.substr(name.size() + 1);
  }
  return std::nullopt;
}

bool list_holds(std::string_view list, int core) {
  for (const std::string& word : split(trimmed(list), ',')) {
    const std::string_view part = word;
    if (part == "all") return true;
    const std::size_t dash = part.find('-');
    const auto first = to_number(part.substr(0, dash));
    if (!first) continue;
    const std::string_view rest = dash == std::string_view::npos ? part : part.substr(dash + 1);
    const auto last = rest == "N" ? std::optional<std::int64_t>(INT64_MAX) : to_number(rest);
    if (last && core >= *first && core <= *last) return true;
  }
  return false;
}

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool has_word(std::string_view text, std::string_view word) {
  const std::vector<std::string> words = split_words(text);
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> busy_ticks(const Box& box, int core) {
  const std::vector<std::int64_t> fields = stat_fields(box, core);
  if (fields.size() < 7) return std::nullopt;
  return static_cast<std::uint64_t>(fields[0] + fields[1] + fields[2] + fields[5] + fields[6]);
}

std::optional<std::uint64_t> steal_ticks(const Box& box, int core) {
  const std::vector<std::int64_t> fields = stat_fields(box, core);
  if (fields.size() < 8) return std::nullopt;
  return static_cast<std::uint64_t>(fields[7]);
}

}  // namespace tickmlp::bench
