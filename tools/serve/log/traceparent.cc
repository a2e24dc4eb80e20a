// SPDX-License-Identifier: Apache-2.0
#include "serve/log/traceparent.h"

#include <algorithm>

namespace tickmlp::serve {
namespace {

constexpr std::size_t kSize = 55;

bool is_hexadecimal(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string_view valid_traceparent(std::string_view value) {
  if (value.size() < kSize) return {};
  const std::string_view version = value.substr(0, 2), trace = value.substr(3, 32), parent = value.substr(36, 16),
                         flags = value.substr(53, 2);
  if (value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  for (const std::string_view part : {version, trace, parent, flags})
    if (!is_hexadecimal(part)) return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  if (value.size() > kSize && (version == "00" || value[kSize] != '-')) return {};
  return value.substr(0, kSize);
}

}  // namespace tickmlp::serve
