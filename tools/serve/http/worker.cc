// SPDX-License-Identifier: Apache-2.0
#include "serve/http/worker.h"
#include "serve/steady_clock.h"

#include <chrono>
#include <ctime>
#include <thread>

namespace tickmlp::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::chrono::milliseconds kTick(100);
constexpr std::chrono::milliseconds kRetry(1);  // of what there was no memory for and nothing goes on without
constexpr int kBacklog = 4096;                  // who waits longest here waits for so many others, 0.1 s
constexpr std::size_t kCheckParts = 16;         // a tick looks at one part of the connections: 10,000 at once take 1 ms
constexpr std::size_t kCheckLeast = 64;
constexpr std::uint64_t kYoungNs = 1'000'000'000;  // idle for less than this: about to be used

}  // namespace

Worker::Worker(const WorkerOptions& options, const Shared& shared, int index)
    : Host(options.limits, Meter(shared.metrics.add_thread("http-" + std::to_string(index)), shared.metrics.clock(),
                                 shared.log.add_thread("http-" + std::to_string(index), Protocol::http))),
      options_(options),
      shared_(shared),
      facts_{[&health = shared.health] { return health.shed_total.load(); },
             [&health = shared.health] { return std::uint64_t{health.stuck.load()}; },
             [&log = shared.log] { return log.lost(); }},
      name_("http-" + std::to_string(index)),
      shedder_(options.limits.queue_ms) {
  if (!options.tls.certificate.empty()) tls_.emplace(options.tls);
  const tcp::endpoint endpoint(asio::ip::make_address(options.host), options.port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.set_option(ReusePort(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(kBacklog);
  acceptor_.non_blocking(true);
  read_clocks();
}

void Worker::run(int core, std::promise<std::string>* started) {
  pthread_setname_np(pthread_self(), ("tickmlp-" + name_).c_str());
  try {
    tickmlp_error error{};
    if (core >= 0 && tickmlp_pin_thread(core, &error) != TICKMLP_OK) throw std::runtime_error(error.message);
    routes_.emplace(options_.routes, shared_.repository, shared_.shadows, name_, shared_.metrics, meter, facts_);
    routes_->housekeeping(now_ns_);
  } catch (const std::exception& error) {  // no core, no memory for the cache, too many readers
    routes_.reset();
    return started->set_value(error.what());
  }
  started->set_value("");
  for (bool ended = false; !ended;) {
    try {
      if (!ticking_) tick();
      context_.run();
      ended = true;
    } catch (const std::exception&) {  // out of memory: what could not be begun is tried again at the next tick
      if (!ticking_) std::this_thread::sleep_for(kRetry);
    }
  }
  meter.figures().turned_ns.set(0);
  while (!connections_.empty()) {
    const auto kept = connections_.front().shared_from_this();
    kept->unlink();
    kept->close();
  }
  routes_.reset();
}

void Worker::read_clocks() {
  now_ns_ = steady_ns();
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

// Out of descriptors or memory, or full: the tick tries again, and the kernel's queue holds who comes meanwhile. Asio's
// own async_accept allocates before its handler is called, and where that throws, the handler never is.
void Worker::accept() {
  if (count_ >= options_.connections) return;
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](boost::system::error_code error) {
    accepting_ = false;
    if (!acceptor_.is_open() || error) return;
    tcp::socket socket = acceptor_.accept(context_, error);
    if (!error) accepted(std::move(socket));
    else if (error != asio::error::would_block && error != asio::error::connection_aborted) return;
    accept();
  });
  accepting_ = true;
}

void Worker::accepted(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  const std::size_t before = count_++;
  std::shared_ptr<Connection> connection;
  try {
    connection = tls_ ? tls_->connection(std::move(socket), *this) : plain_connection(std::move(socket), *this);
  } catch (const std::exception&) {  // out of memory: who came is let go
    count_ = before;
    return;
  }
  meter.figures().accepted.add();
  connections_.push_back(*connection);
  connection->guarded([&] { connection->start(); });
}

void Worker::tick() {
  ticking_ = false;
  read_clocks();
  meter.figures().turned_ns.set(now_ns_);
  timespec cpu{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  shedder_.tick(static_cast<std::uint64_t>(cpu.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(cpu.tv_nsec));
  meter.figures().connections.set(count_);
  try {
    routes_->housekeeping(now_ns_);
    late_.give_out();
    resume_paused();
    check_connections();
    if (!draining_ && !accepting_) accept();
  } catch (const std::exception&) {  // out of memory: the next tick may do better
  }
  if (draining_ && connections_.empty()) return context_.stop();
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
  ticking_ = true;
}

void Worker::resume_paused() {
  for (; !paused_.empty() && paused_.front().first <= now_ns_; paused_.pop_front())
    if (const auto connection = paused_.front().second.lock()) connection->guarded([&] { connection->check_time(); });
}

// Each takes its turn within 1.6 s: what was looked at goes to the list's end.
void Worker::check_connections() {
  const std::size_t most = draining_ ? count_ : std::max(kCheckLeast, count_ / kCheckParts);
  for (std::size_t i = std::min(most, count_); i != 0 && !connections_.empty(); --i) {
    Connection& connection = connections_.front();
    const auto kept = connection.shared_from_this();
    connections_.splice(connections_.end(), connections_, connections_.begin());
    kept->guarded([&] { kept->check_time(); });
    if (draining_ && kept->idle()) kept->close();
  }
  if (count_ >= std::min(options_.idle_connections, options_.connections)) close_idle();
}

// Makes room for who waits to get in. Rare, so the list is walked.
void Worker::close_idle() {
  std::vector<std::pair<std::uint64_t, Connection*>> idle;
  for (Connection& connection : connections_)
    if (connection.idle()) idle.emplace_back(connection.since_ns(), &connection);
  const std::size_t full = count_ >= options_.connections ? std::max<std::size_t>(1, count_ / kCheckParts) : 0;
  const std::size_t over = idle.size() > options_.idle_connections ? idle.size() - options_.idle_connections : 0;
  const std::size_t close = std::min(idle.size(), std::max(full, over));
  std::partial_sort(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(close), idle.end());
  for (std::size_t i = 0; i < close && now_ns_ - idle[i].first > kYoungNs; ++i)
    idle[i].second->shared_from_this()->close();
}

// Those that the kernel has accepted already are served too: closing the listener would reset them.
void Worker::accept_waiting() {
  boost::system::error_code error;
  while (count_ < options_.connections) {
    tcp::socket socket = acceptor_.accept(context_, error);
    if (error) return;
    accepted(std::move(socket));
  }
}

void Worker::drain() {
  asio::post(context_, [this] {
    accept_waiting();
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  });
}

bool Worker::sheds(Connection& connection) {
  const bool sheds = shedder_.sheds(connection.was_paused(), [&] { return connection.waited_ms(); });
  if (sheds) {
    shared_.health.shed_total.fetch_add(1, std::memory_order_relaxed);
    paused_.emplace_back(now_ns_ + Connection::kPauseNs, connection.weak_from_this());
  }
  return sheds;
}

bool Worker::handle(const Incoming& incoming, std::string_view body, Answer* answer,
                    const std::shared_ptr<Connection>& connection) {
  Routes::Later later;
  try {
    if (routes_->handle(incoming, body, shared_.health.not_ready(), answer, &later)) return true;
  } catch (const std::exception& error) {  // out of memory: this request's end, and nobody else's
    answer->refuse({Code::internal, error.what()});
    return true;
  }
  const auto one = std::make_shared<LateAnswers::One>();
  one->push_back({connection, {}, nullptr});
  shared_.jobs.post([this, later = std::move(later), one, gzip = incoming.accepts_gzip] {
    try {
      Deflater deflater;
      later(&one->front().answer);
      if (gzip) compress(&deflater, &one->front().answer);
    } catch (const std::exception&) {
      one->front().thrown = std::current_exception();
    }
    late_.hand_in(*one);
    try {
      asio::post(context_, [this] { late_.give_out(); });
    } catch (const std::exception&) {  // no memory for the message: the next tick looks
    }
  });
  return false;
}

}  // namespace tickmlp::serve
