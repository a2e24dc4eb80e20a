// SPDX-License-Identifier: Apache-2.0
// Times what one serving thread does for each request, and hands it to the figures and to the access log.
#ifndef TICKMLP_SERVE_METRICS_METER_H_
#define TICKMLP_SERVE_METRICS_METER_H_
#include <vector>

#include "serve/log/access.h"
#include "serve/metrics/figures.h"

namespace tickmlp::serve {

// One request from its bytes to its answer. Times are ticks(); 0: did not get there.
struct Exchange {
  ModelFigures* model = nullptr;  // of an inference; null: anything else
  std::uint64_t generation = 0;
  std::uint64_t states = 0;
  bool cached = false;          // answered out of the cache
  std::uint64_t begin = 0;      // its last bytes were here, or the answer before it was written
  std::uint64_t computing = 0;  // parsed
  std::uint64_t computed = 0;
  std::uint64_t encoded = 0;
  int status = 0;
  std::uint64_t received_bytes = 0, sent_bytes = 0;  // of bodies
  std::string_view id{}, reason{};                   // over gRPC; valid until it is answered

  void note(std::uint64_t of_generation, bool out_of_cache, std::uint64_t compute_begin, std::uint64_t compute_end) {
    generation = of_generation;
    cached = out_of_cache;
    computing = compute_begin;
    computed = compute_end;
  }
};

// What the log wants to know beside that. Copied only where there is an access log.
struct ExchangeText {
  std::string_view method, path, id, traceparent, reason;
};

// Thread-compatible. A turn is what a thread does when bytes have come: receive, answer what is complete, send. The
// clock is read six times in the turn of one request.
class Meter {
 public:
  // `log` may be null: no access log.
  Meter(ThreadFigures& figures, const tickmlp_clock& clock, AccessLog* log)
      : figures_(figures), clock_(clock), log_(log) {}

  ThreadFigures& figures() const { return figures_; }

  void receiving();
  void received() { received(ticks()); }
  // In place of both, where somebody else has received the message: the turn begins with it.
  void arrived() {
    receiving();
    received(receiving_);
  }
  // The request that is being answered: what answers it fills in model, generation, states, computing, computed.
  Exchange& current() { return current_; }
  // Its answer is written; it is sent at the end of the turn. One outside a turn (of a time limit, of a load that took
  // long) begins its own.
  void answered(int status, std::uint64_t received_bytes, std::uint64_t sent_bytes, const ExchangeText& text);
  // The end of the turn: before the send and after it.
  void sending() { sending_ = answered_.empty() ? 0 : answered_.back().encoded; }
  void sent();

 private:
  void received(std::uint64_t at);
  void finish(const Exchange& exchange, std::uint64_t network_ns, std::uint64_t total_ns, AccessRecord* record);

  ThreadFigures& figures_;
  const tickmlp_clock& clock_;
  AccessLog* const log_;
  Exchange current_;
  bool in_turn_ = false;
  std::uint64_t receiving_ = 0, received_ = 0, sending_ = 0;
  std::vector<Exchange> answered_;     // of this turn; more than one where requests are pipelined
  std::vector<AccessRecord> records_;  // the same, where there is a log
};

}  // namespace tickmlp::serve
#endif
