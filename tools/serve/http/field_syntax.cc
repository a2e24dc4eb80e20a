// SPDX-License-Identifier: Apache-2.0
#include "serve/http/field_syntax.h"

#include <algorithm>

namespace tickmlp::serve {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

}  // namespace

const char* fault_of_lines(std::string_view lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto byte = static_cast<unsigned char>(lines[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    if (byte == '\r') {
      if (i + 1 == lines.size()) return nullptr;
      if (lines[i + 1] != '\n') return "a CR without its LF: expected lines that end in CR LF";
      if (i + 2 < lines.size() && (lines[i + 2] == ' ' || lines[i + 2] == '\t'))
        return "a folded line (obs-fold): expected each field on one line";
      ++i;
    } else if (byte == '\n') {
      return "a LF without its CR: expected lines that end in CR LF";
    } else {
      // The tab too: RFC 9110 lets it stand for a space, nginx does not.
      return "a control byte: expected text";
    }
  }
  return nullptr;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return is_letter_or_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~"); });
}

bool is_host(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {  // an IPv6 address
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const std::string_view address = text.substr(1, end - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    port = text.substr(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, end);
    if (name.empty() || name.starts_with('.') || name.find("..") != std::string_view::npos) return false;
    if (!std::all_of(name.begin(), name.end(), [](char c) { return is_letter_or_digit(c) || is_one_of(c, "-._~"); }))
      return false;
    port = text.substr(end);
  }
  return port.empty() || (port.size() >= 2 && port.size() <= 6 && port[0] == ':' &&
                          port.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

namespace {

// Up to the next `mark`, without the spaces around it; *rest goes on behind that.
std::string_view take_part(std::string_view* rest, char mark) {
  const std::size_t end = std::min(rest->find(mark), rest->size());
  std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
  return part.substr(0, part.find_last_not_of(' ') + 1);
}

}  // namespace

void AcceptedCodings::add(std::string_view list) {
  while (!list.empty()) {
    std::string_view coding = take_part(&list, ',');
    const std::string_view name = take_part(&coding, ';');
    bool some = true;
    while (!coding.empty()) {
      const std::string_view parameter = take_part(&coding, ';');
      if (same_name(parameter.substr(0, 2), "q="))
        some = parameter.find_first_of("123456789", 2) != std::string_view::npos;
    }
    if (same_name(name, "gzip")) gzip_ = some;
    if (name == "*") any_ = some;
  }
}

}  // namespace tickmlp::serve
