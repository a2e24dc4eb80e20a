// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics/meter.h"

#include <algorithm>

namespace tickmlp::serve {

void Meter::receiving() {
  if (!answered_.empty()) {  // they wait behind an answer that its client does not take: their time ends here
    sending();
    sent();
  }
  in_turn_ = true;
  receiving_ = ticks();
}

void Meter::received(std::uint64_t at) {
  received_ = at;
  current_ = {};
  current_.begin = received_;
}

void Meter::answered(int status, std::uint64_t received_bytes, std::uint64_t sent_bytes, const ExchangeText& text) {
  if (!in_turn_) {
    receiving();
    received();
  }
  current_.encoded = ticks();
  current_.status = status;
  current_.received_bytes = received_bytes;
  current_.sent_bytes = sent_bytes;
  figures_.answered(status);
  figures_.received_bytes.add(received_bytes);
  figures_.sent_bytes.add(sent_bytes);
  if (log_ != nullptr) {
    records_.resize(answered_.size());  // memory ran out between the two: the text goes with its request
    records_.emplace_back(text.method, text.path, text.id, text.traceparent, text.reason);
  }
  answered_.push_back(current_);
  const std::uint64_t next = current_.encoded;
  current_ = {};
  current_.begin = next;
}

// The requests of one turn share its recv and its send.
void Meter::sent() {
  in_turn_ = false;
  if (answered_.empty()) return;
  const std::uint64_t end = ticks();
  const std::uint64_t shared = (received_ - receiving_ + end - sending_) / answered_.size();
  const std::uint64_t network_ns = tickmlp_clock_ns(&clock_, shared);
  const std::uint64_t total_ns = tickmlp_clock_ns(&clock_, end - receiving_);
  for (std::size_t i = 0; i < answered_.size(); ++i)
    finish(answered_[i], network_ns, total_ns, log_ == nullptr ? nullptr : &records_[i]);
  answered_.clear();
  records_.clear();
}

void Meter::finish(const Exchange& exchange, std::uint64_t network_ns, std::uint64_t total_ns, AccessRecord* record) {
  const auto ns = [&](std::uint64_t from, std::uint64_t to) { return tickmlp_clock_ns(&clock_, to - from); };
  const bool computed = exchange.computed != 0;
  // What was not computed was parsed, as far as it got, and its refusal encoded: no line is drawn between them.
  const StageTimes times = {network_ns, ns(exchange.begin, computed ? exchange.computing : exchange.encoded),
                            computed ? ns(exchange.computing, exchange.computed) : 0,
                            computed ? ns(exchange.computed, exchange.encoded) : 0, total_ns};
  if (exchange.model != nullptr && exchange.status == 200)
    exchange.model->answered(exchange.generation, exchange.states, !exchange.cached, &times);
  else if (exchange.model != nullptr) exchange.model->failed(exchange.generation, total_ns);
  if (record == nullptr) return;
  record->model = exchange.model;
  record->generation = exchange.generation;
  record->states = exchange.states;
  record->cached = exchange.cached;
  record->status = exchange.status;
  record->received_bytes = exchange.received_bytes;
  record->sent_bytes = exchange.sent_bytes;
  record->times = times;
  if (!log_->take(*record)) figures_.log_dropped.add();
}

}  // namespace tickmlp::serve
