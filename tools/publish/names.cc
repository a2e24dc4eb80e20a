// SPDX-License-Identifier: Apache-2.0
#include "names.h"

#include <algorithm>
#include <charconv>

namespace tickmlp::publish {
namespace {

constexpr std::string_view kBlobSuffix = ".blob";
constexpr std::string_view kRollback = " rollback-from ";
constexpr std::size_t kSha8 = 8;

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<uint64_t> parse_generation(std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || std::to_string(value) != digits) return {};
  return value;
}

}  // namespace

bool is_publishable(std::string_view name) {
  return !name.empty() && is_letter_or_digit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
  });
}

std::optional<PublishedName> parse_name(std::string_view file) {
  if (!file.ends_with(kBlobSuffix)) return {};
  file.remove_suffix(kBlobSuffix.size());
  const std::size_t second = file.rfind('-');
  if (second == std::string_view::npos || second == 0) return {};
  const std::size_t first = file.rfind('-', second - 1);
  if (first == std::string_view::npos) return {};
  const std::string_view sha8 = file.substr(second + 1);
  const bool hexadecimal =
      std::all_of(sha8.begin(), sha8.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  const auto generation = parse_generation(file.substr(first + 1, second - first - 1));
  if (!is_publishable(file.substr(0, first)) || !generation || sha8.size() != kSha8 || !hexadecimal) return {};
  return PublishedName{std::string(file.substr(0, first)), *generation, std::string(sha8)};
}

std::string Current::line() const {
  std::string text = blob.file();
  if (rollback_from) text += std::string(kRollback) + std::to_string(*rollback_from);
  return text + "\n";
}

std::optional<Current> parse_current(std::string_view text) {
  if (!text.ends_with('\n')) return {};
  text.remove_suffix(1);
  Current current;
  if (const std::size_t space = text.find(kRollback); space != std::string_view::npos) {
    current.rollback_from = parse_generation(text.substr(space + kRollback.size()));
    if (!current.rollback_from) return {};
    text = text.substr(0, space);
  }
  const auto blob = parse_name(text);
  if (!blob || (current.rollback_from && *current.rollback_from <= blob->generation)) return {};
  current.blob = *blob;
  return current;
}

}  // namespace tickmlp::publish
