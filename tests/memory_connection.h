// SPDX-License-Identifier: Apache-2.0
// A connection of the server without a socket: bytes are handed in, answers are read from a text.
#ifndef TICKMLP_TESTS_MEMORY_CONNECTION_H_
#define TICKMLP_TESTS_MEMORY_CONNECTION_H_
#include <algorithm>
#include <string>
#include <vector>

#include "serve/http/connection.h"
#include "serve/metrics/metrics.h"

namespace tickmlp::serve {

// What a request was understood as.
struct Handled {
  Incoming incoming;
  std::string body;
};

class MemoryHost : public Host {
 public:
  explicit MemoryHost(const HttpLimits& limits = {}) : Host(limits, meter_of_tests()) {}
  bool handle(const Incoming& incoming, std::string_view body, Answer* answer,
              const std::shared_ptr<Connection>&) override {
    handled.push_back({incoming, std::string(body)});
    answer->body = answer_body;
    return true;
  }
  bool sheds(Connection&) override { return shedding; }
  bool draining() const override { return false; }
  std::uint64_t now_ns() const override { return now; }
  std::string_view date() const override { return "today"; }
  void gone() override { ++connections_gone; }

  std::vector<Handled> handled;
  std::string answer_body = "{}";
  bool shedding = false;
  std::uint64_t now = 1'000'000'000;
  int connections_gone = 0;

 private:
  // One for all: its clock takes 20 ms to calibrate.
  static Meter meter_of_tests() {
    static Metrics metrics;
    static ThreadFigures& figures = metrics.add_thread("test");
    return Meter(figures, metrics.clock(), nullptr);
  }
};

class MemoryConnection : public Connection {
 public:
  explicit MemoryConnection(Host& host) : Connection(host) {}
  std::optional<unsigned> waited_ms() const override { return {}; }

  // As far as the connection reads; what it does not read any more is lost, as with a socket that is closed.
  void feed(std::string_view bytes) {
    while (!bytes.empty() && receiving_ && !closed) {
      const std::span<char> into = room();
      const std::size_t part = std::min(into.size(), bytes.size());
      std::copy_n(bytes.begin(), part, into.begin());
      bytes.remove_prefix(part);
      receiving_ = false;
      received(part);
      while (soon_) {
        soon_ = false;
        advance();
      }
    }
  }
  bool reads() const { return receiving_; }

  std::string sent_bytes;
  bool ended = false;   // the client was told that no more will come
  bool closed = false;  //

 private:
  void close_stream() override { closed = true; }
  void receive() override { receiving_ = true; }
  void send() override {
    sent_bytes += out_;
    sent();
  }
  void end_sending() override {
    ended = true;
    receiving_ = true;
  }
  void run_soon() override { soon_ = true; }
  bool soon_ = false;
};

}  // namespace tickmlp::serve
#endif
