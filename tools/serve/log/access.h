// SPDX-License-Identifier: Apache-2.0
// The access log's way out of a serving thread: records of a fixed size in a ring that another thread empties.
#ifndef TICKMLP_SERVE_LOG_ACCESS_H_
#define TICKMLP_SERVE_LOG_ACCESS_H_
#include <algorithm>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstring>
#include <optional>
#include <string_view>

#include "serve/metrics/figures.h"

namespace tickmlp::serve {

// A text of the client's: raw bytes, cut where it is longer.
template <std::size_t N>
struct ShortText {
  std::uint16_t size = 0;
  bool cut = false;
  char bytes[N];

  void assign(std::string_view text) {
    size = static_cast<std::uint16_t>(std::min(text.size(), N));
    cut = text.size() > N;
    if (size != 0) std::memcpy(bytes, text.data(), size);
  }
  std::string_view view() const { return {bytes, size}; }
};

struct AccessRecord {
  AccessRecord() = default;
  AccessRecord(std::string_view method_text, std::string_view path_text, std::string_view id_text,
               std::string_view traceparent_text, std::string_view reason_text);

  std::uint64_t ended_ns = 0;  // since 1970
  const ModelFigures* model = nullptr;
  std::uint64_t generation = 0, states = 0;
  bool cached = false;
  int status = 0;
  std::uint64_t received_bytes = 0, sent_bytes = 0;
  StageTimes times{};
  ShortText<8> method;
  ShortText<120> path;
  ShortText<64> id;  // over HTTP as JSON, with its quotes
  ShortText<55> traceparent;
  ShortText<160> reason;  // of a refusal: what its answer says
};

// Which requests are logged.
struct AccessPolicy {
  enum class Kind { off, all, errors, slow, sample };
  Kind kind = Kind::off;
  std::uint64_t slow_ns = 0;  // of Kind::slow: a total of so much and more; errors too
  std::uint64_t every = 1;    // of Kind::sample: one in so many
};
// "off", "all", "errors", "slow=TIME" (5us, 2ms, 1s), "sample=N"; empty: none of these.
std::optional<AccessPolicy> read_access_policy(std::string_view text);

// One serving thread writes, the log's thread reads.
class AccessLog {
 public:
  static constexpr std::size_t kRecords = 4096;  // 2.2 MB: 40 ms of 100,000 requests a second

  AccessLog(std::string thread, const AccessPolicy& policy, Protocol by = Protocol::http)
      : thread_(std::move(thread)), policy_(policy), protocol_(by) {}

  const std::string& thread() const { return thread_; }
  Protocol protocol() const { return protocol_; }
  // The writer's: puts it into the ring where the policy wants it. False: wanted, and the ring is full; it is lost.
  bool take(AccessRecord& record);
  // The reader's.
  template <typename Write>
  std::size_t drain(const Write& write) {
    return ring_.consume_all(write);
  }

 private:
  const std::string thread_;
  const AccessPolicy policy_;
  const Protocol protocol_;
  std::uint64_t seen_ = 0;
  boost::lockfree::spsc_queue<AccessRecord, boost::lockfree::capacity<kRecords>> ring_;
};

}  // namespace tickmlp::serve
#endif
