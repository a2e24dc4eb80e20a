// SPDX-License-Identifier: Apache-2.0
// One serving thread: its listener, its connections, its models.
#ifndef TICKMLP_SERVE_HTTP_WORKER_H_
#define TICKMLP_SERVE_HTTP_WORKER_H_
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <string>

#include "serve/http/connection.h"
#include "serve/http/routes.h"
#include "serve/jobs.h"

namespace tickmlp::serve {

struct WorkerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::size_t connections = 10000;  // most at a time, of one worker; further ones wait in the kernel's queue
  HttpLimits limits;
  RouteOptions routes;
};

// Constructed in the main thread, run in its own.
class Worker : private Host {
 public:
  // Listens. Throws boost::system::system_error.
  Worker(const WorkerOptions& options, Repository& repository, Shadows& shadows, Jobs& jobs, int index);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // Serves until drain() has let the last connection go. Pins the thread first where core is not below 0.
  void run(int core);
  // From any thread: no new connections, idle ones are closed, the others after their answer.
  void drain();
  // From any thread: ends at once.
  void stop() { context_.stop(); }

 private:
  bool handle(const Incoming& incoming, std::string_view body, Answer* answer,
              const std::shared_ptr<Connection>& connection) override;
  bool draining() const override { return draining_; }
  std::uint64_t now_ns() const override { return now_ns_; }
  std::string_view date() const override { return date_; }
  void accept();
  void tick();
  void read_clocks();

  const WorkerOptions& options_;
  Repository& repository_;
  Shadows& shadows_;
  Jobs& jobs_;
  const std::string name_;
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::steady_timer timer_{context_};
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections_;
  std::optional<Routes> routes_;  // made in the thread that runs: its readers belong to it
  bool draining_ = false, accepting_ = false;
  std::uint64_t now_ns_ = 0;
  std::string date_;
};

}  // namespace tickmlp::serve
#endif
