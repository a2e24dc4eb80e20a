// SPDX-License-Identifier: Apache-2.0
#include "serve/log/access.h"

#include <charconv>
#include <ctime>

namespace tickmlp::serve {
namespace {

// A whole number above 0, and what stands behind it.
std::optional<std::uint64_t> number(std::string_view text, std::string_view* rest) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value == 0) return {};
  *rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

AccessRecord::AccessRecord(std::string_view method_text, std::string_view path_text, std::string_view id_text,
                           std::string_view traceparent_text, std::string_view reason_text) {
  method.assign(method_text);
  path.assign(path_text);
  id.assign(id_text);
  traceparent.assign(traceparent_text);
  reason.assign(reason_text);
}

std::optional<AccessPolicy> read_access_policy(std::string_view text) {
  using Kind = AccessPolicy::Kind;
  if (text == "off") return AccessPolicy{};
  if (text == "all") return AccessPolicy{Kind::all};
  if (text == "errors") return AccessPolicy{Kind::errors};
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view kind = text.substr(0, equals);
  std::string_view unit;
  const auto value = number(text.substr(equals + 1), &unit);
  if (!value) return {};
  if (kind == "sample" && unit.empty()) return AccessPolicy{Kind::sample, 0, *value};
  if (kind != "slow" || *value > 1'000'000'000) return {};
  if (unit == "ns") return AccessPolicy{Kind::slow, *value};
  if (unit == "us") return AccessPolicy{Kind::slow, *value * 1'000};
  if (unit == "ms") return AccessPolicy{Kind::slow, *value * 1'000'000};
  if (unit == "s") return AccessPolicy{Kind::slow, *value * 1'000'000'000};
  return {};
}

bool AccessLog::take(AccessRecord& record) {
  const bool error = record.status >= 400;
  switch (policy_.kind) {
    case AccessPolicy::Kind::off: return true;
    case AccessPolicy::Kind::all: break;
    case AccessPolicy::Kind::errors:
      if (!error) return true;
      break;
    case AccessPolicy::Kind::slow:
      if (!error && record.times[static_cast<std::size_t>(Stage::total)] < policy_.slow_ns) return true;
      break;
    case AccessPolicy::Kind::sample:
      if (seen_++ % policy_.every != 0) return true;
      break;
  }
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  record.ended_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  return ring_.push(record);
}

}  // namespace tickmlp::serve
