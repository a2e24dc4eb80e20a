// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/visits.h"

#include "serve/steady_clock.h"

namespace tickmlp::shared {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

using serve::LogLevel;

void Visits::look(std::uint64_t now_ns) {
  if (now_ns - second_ns_ < kSecondNs) return;
  if (left_out_ != 0)
    log_.event(LogLevel::warning, "shared_left_out", "more happened within a second than is logged",
               {{"events", left_out_}});
  second_ns_ = now_ns;
  said_ = left_out_ = 0;
}

bool Visits::may_speak() {
  look(serve::steady_ns());
  if (said_ == kMost) {
    ++left_out_;
    return false;
  }
  ++said_;
  return true;
}

void Visits::attached(const Visitor& who, std::size_t ring_bytes) {
  if (may_speak())
    log_.event(LogLevel::info, "shared_attached", "a client is attached",
               {{"pid", who.pid}, {"uid", who.uid}, {"ring_bytes", ring_bytes}});
}

void Visits::detached(const Visitor& who, std::string_view why) {
  if (may_speak()) log_.event(LogLevel::info, "shared_detached", why, {{"pid", who.pid}, {"uid", who.uid}});
}

void Visits::refused(const Visitor& who, std::string_view why, std::string_view name) {
  if (!may_speak()) return;
  if (name.empty()) log_.event(LogLevel::warning, "shared_refused", why, {{"pid", who.pid}, {"uid", who.uid}});
  else log_.event(LogLevel::warning, "shared_refused", why, {{"pid", who.pid}, {"uid", who.uid}, {"name", name}});
}

}  // namespace tickmlp::shared
