// SPDX-License-Identifier: Apache-2.0
// What the log hears of the clients that come and go. Requests in the rings are counted, not logged.
#ifndef TICKMLP_SERVE_SHARED_VISITS_H_
#define TICKMLP_SERVE_SHARED_VISITS_H_
#include <cstdint>
#include <string_view>

#include "serve/log/log.h"
#include "serve/shared/attached.h"

namespace tickmlp::shared {

// Thread-compatible. Nothing here throws. A client that comes and goes without a pause cannot flood the log: of what
// happens within a second the first kMost lines are written, and then how many were not.
class Visits {
 public:
  static constexpr std::uint64_t kMost = 20;

  explicit Visits(serve::Log& log) : log_(log) {}
  void attached(const Visitor& who, std::size_t ring_bytes);
  void detached(const Visitor& who, std::string_view why);
  // `name`: of the model that was asked for; empty: it was no question of that kind.
  void refused(const Visitor& who, std::string_view why, std::string_view name = {});
  // Now and then: what has not been said yet.
  void look(std::uint64_t now_ns);

 private:
  bool may_speak();

  serve::Log& log_;
  std::uint64_t second_ns_ = 0, said_ = 0, left_out_ = 0;  // of the second that began then
};

}  // namespace tickmlp::shared
#endif
