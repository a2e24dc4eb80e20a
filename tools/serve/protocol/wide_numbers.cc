// SPDX-License-Identifier: Apache-2.0
#include "serve/protocol/wide_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "serve/protocol/infer_request.h"

namespace tickmlp::serve {
namespace {

constexpr std::size_t kLongDigits = 19;  // int64 and uint64 hold every integer with fewer

// Where the string that begins at `begin` ends: behind its quote.
std::size_t end_of_string(std::string_view json, std::size_t begin) {
  for (std::size_t i = begin + 1; i < json.size(); ++i) {
    if (json[i] == '"') return i + 1;
    if (json[i] == '\\') ++i;
  }
  return json.size();
}

}  // namespace

std::string_view widen_integers(std::string_view json, std::string* out) {
  out->clear();
  out->reserve(json.size() + json.size() / 10 + kBodyPadding);  // an integer of 19 digits and its comma become 22 bytes
  for (std::size_t i = 0; i < json.size();) {
    const std::size_t begin = i;
    const char first = json[i];
    if (first == '"') {
      i = end_of_string(json, i);
      out->append(json, begin, i - begin);
    } else if (first == '-' || (first >= '0' && first <= '9')) {
      i = std::min(json.find_first_not_of("0123456789+-.eE", i), json.size());
      const std::string_view number = json.substr(begin, i - begin);
      out->append(number);
      const bool whole = number.find_first_of(".eE") == std::string_view::npos;
      if (whole && number.size() - (first == '-') >= kLongDigits) out->append(".0");
      if (std::isinf(std::strtod(std::string(number).c_str(), nullptr))) return number;
    } else {
      out->push_back(first);
      ++i;
    }
  }
  out->reserve(out->size() + kBodyPadding);
  return {};
}

}  // namespace tickmlp::serve
