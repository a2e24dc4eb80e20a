// SPDX-License-Identifier: Apache-2.0
// One serving thread: its listener, its connections, its models.
#ifndef TICKMLP_SERVE_HTTP_WORKER_H_
#define TICKMLP_SERVE_HTTP_WORKER_H_
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <future>
#include <string>

#include "serve/guard/shedder.h"
#include "serve/guard/health.h"
#include "serve/http/connection.h"
#include "serve/http/late_answers.h"
#include "serve/http/routes.h"
#include "serve/http/tls.h"
#include "serve/jobs.h"
#include "serve/log/log.h"
#include "serve/metrics/metrics.h"

namespace tickmlp::serve {

struct WorkerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::size_t connections = 16384;       // most at a time, of one worker; further ones wait in the kernel's queue
  std::size_t idle_connections = 16384;  // of them; beyond, those that were idle longest are closed
  HttpLimits limits;
  RouteOptions routes;
  TlsOptions tls;
};

// What all workers of a server have together. Each part says who may call it.
struct Shared {
  Repository& repository;
  Shadows& shadows;
  Jobs& jobs;
  Health& health;
  Metrics& metrics;
  Log& log;
};

// Constructed in the main thread, run in its own.
class Worker : private Host {
 public:
  // Listens. Throws boost::system::system_error.
  Worker(const WorkerOptions& options, const Shared& shared, int index);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // Serves until drain() has let the last connection go. Pins the thread first where core is not below 0. *started is
  // told why it cannot, or "" once it can.
  void run(int core, std::promise<std::string>* started);
  // From any thread: no new connections, idle ones are closed, the others after their answer.
  void drain();
  // From any thread: ends at once.
  void stop() { context_.stop(); }

 private:
  using Connections = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  bool handle(const Incoming& incoming, std::string_view body, Answer* answer,
              const std::shared_ptr<Connection>& connection) override;
  bool sheds(Connection& connection) override;
  bool draining() const override { return draining_; }
  std::uint64_t now_ns() const override { return now_ns_; }
  std::string_view date() const override { return date_; }
  void gone() override { --count_; }
  void accept();
  void accepted(boost::asio::ip::tcp::socket socket);
  void accept_waiting();
  void tick();
  void check_connections();
  void resume_paused();
  void close_idle();
  void read_clocks();

  const WorkerOptions& options_;
  const Shared shared_;
  const ServerFacts facts_;
  const std::string name_;
  std::optional<TlsContext> tls_;  // one for each worker: OpenSSL locks what threads share
  std::size_t count_ = 0;          // of connections; the last of them go with context_
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::steady_timer timer_{context_};
  Connections connections_;
  Shedder shedder_;
  std::deque<std::pair<std::uint64_t, std::weak_ptr<Connection>>> paused_;  // until when, in that order
  LateAnswers late_;
  std::optional<Routes> routes_;  // made in the thread that runs: its readers belong to it
  bool draining_ = false, accepting_ = false, ticking_ = false;
  std::uint64_t now_ns_ = 0;
  std::string date_;
};

}  // namespace tickmlp::serve
#endif
