// SPDX-License-Identifier: Apache-2.0
#include "serve/http/worker.h"

#include <chrono>
#include <ctime>

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::chrono::milliseconds kTick(100);
constexpr int kBacklog = 4096;

}  // namespace

Worker::Worker(const WorkerOptions& options, Repository& repository, Shadows& shadows, Jobs& jobs, int index)
    : Host(options.limits),
      options_(options),
      repository_(repository),
      shadows_(shadows),
      jobs_(jobs),
      name_("http-" + std::to_string(index)) {
  const tcp::endpoint endpoint(asio::ip::make_address(options.host), options.port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.set_option(ReusePort(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(kBacklog);
  read_clocks();
}

void Worker::run(int core) {
  pthread_setname_np(pthread_self(), ("tickmlp-" + name_).c_str());
  if (core >= 0) {
    tickmlp_error error{};
    if (tickmlp_pin_thread(core, &error) != TICKMLP_OK) throw std::runtime_error(error.message);
  }
  routes_.emplace(options_.routes, repository_, shadows_, name_);
  accept();
  tick();
  context_.run();
  while (!connections_.empty()) connections_.front().unlink();
  routes_.reset();
}

void Worker::read_clocks() {
  now_ns_ = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

void Worker::accept() {
  accepting_ = true;
  acceptor_.async_accept(context_, [this](boost::system::error_code error, tcp::socket socket) {
    accepting_ = false;
    if (!acceptor_.is_open()) return;
    if (!error) {
      boost::system::error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      socket.non_blocking(true, ignored);
      const auto connection = std::make_shared<Connection>(std::move(socket), static_cast<Host&>(*this));
      connections_.push_back(*connection);
      connection->start();
    }
    // Out of descriptors, or full: the tick tries again, and the kernel's queue holds who comes meanwhile.
    if (!error && connections_.size() < options_.connections) accept();
  });
}

void Worker::tick() {
  read_clocks();
  routes_->housekeeping();
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto kept = (next++)->shared_from_this();
    kept->check_time();
    if (draining_) kept->close_when_idle();
  }
  if (!draining_ && !accepting_ && connections_.size() < options_.connections) accept();
  if (draining_ && connections_.empty()) return context_.stop();
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void Worker::drain() {
  asio::post(context_, [this] {
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  });
}

bool Worker::handle(const Incoming& incoming, std::string_view body, Answer* answer,
                    const std::shared_ptr<Connection>& connection) {
  Routes::Later later;
  if (routes_->handle(incoming, body, draining_, answer, &later)) return true;
  jobs_.post([this, later = std::move(later), connection] {
    auto filled = std::make_shared<Answer>();
    later(filled.get());
    asio::post(context_, [connection, filled] { connection->answer_later(*filled); });
  });
  return false;
}

}  // namespace tickmlp::serve
