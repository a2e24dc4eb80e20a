// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/shared_server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <stdexcept>

#include "serve/steady_clock.h"

namespace tickmlp::shared {
namespace {

constexpr int kTickMs = 100;
constexpr int kReleaseMs = 1;                      // while somebody leaves
constexpr std::uint64_t kHelloNs = 1'000'000'000;  // from the connection to the hello

}  // namespace

SharedServer::SharedServer(const SharedOptions& options, serve::Repository& repository, serve::Shadows& shadows,
                           serve::Metrics& metrics)
    : options_(options),
      repository_(repository),
      poller_(repository, shadows, metrics, options.breaker, options.sleep_after_ns, options.windows),
      listener_(options.path),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{EPOLLIN, {}};
  event.data.ptr = &listener_;
  bool ready = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) == 0;
  event.data.ptr = &stop_bell_;
  ready = ready && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stop_bell_.get(), &event) == 0;
  if (!ready) throw std::runtime_error(std::string("shared memory: ") + std::strerror(errno));
  std::promise<std::string> started;
  polling_ = std::thread([&, this] { poller_.run(options_.core, &started); });
  if (const std::string why = started.get_future().get(); !why.empty()) {
    polling_.join();
    throw std::runtime_error("shared memory: " + why);
  }
  control_ = std::thread([this] { run(); });
}

void SharedServer::stop() {
  if (!control_.joinable()) return;
  listener_.remove();
  poller_.stop();
  polling_.join();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t count = write(stop_bell_.get(), &one, sizeof one);
  control_.join();
  clients_.clear();
  leaving_.clear();
}

void SharedServer::run() {
  pthread_setname_np(pthread_self(), "tickmlp-attach");
  for (;;) {
    epoll_event events[16];
    const int count = epoll_wait(epoll_.get(), events, 16, leaving_.empty() ? kTickMs : kReleaseMs);
    for (int i = 0; i < count; ++i) {
      void* const who = events[i].data.ptr;
      if (who == &stop_bell_) return;
      if (who == &listener_) {
        accept();
      } else if (auto* client = static_cast<Attached*>(who); !read(client)) {
        leave(client);
      }
    }
    end_late_starters();
    release();
  }
}

void SharedServer::accept() {
  Descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.get() < 0) {
    // Out of descriptors: the next in line waits in the kernel's queue, and this must not become a busy loop.
    if (errno != EAGAIN && errno != EINTR) poll(nullptr, 0, kTickMs);
    return;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid())
    return void(refuse(socket.get(), "a client of user " + std::to_string(peer.uid) + "; expected the server's, " +
                                         std::to_string(geteuid())));
  if (clients_.size() >= options_.clients)
    return void(refuse(socket.get(), "all " + std::to_string(options_.clients) + " places for clients are taken"));
  auto client = std::make_unique<Attached>(std::move(socket), serve::steady_ns());
  epoll_event event{EPOLLIN | EPOLLRDHUP, {}};
  event.data.ptr = client.get();
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client->socket.get(), &event) == 0) clients_.push_back(std::move(client));
}

// One message, so that nobody can keep the others waiting.
bool SharedServer::read(Attached* client) {
  Message message;
  // Descriptors that come along are closed by the kernel: there is no room for them.
  const ssize_t count = recv(client->socket.get(), &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;  // the client ended, however it did
  if (count != sizeof message || message.magic != kMagic)
    return refuse(client->socket.get(), "another protocol: expected a client of this server's version");
  message.text[sizeof message.text - 1] = 0;
  return take(client, message);
}

bool SharedServer::take(Attached* client, const Message& message) {
  const int socket = client->socket.get();
  if (message.kind == kHello && client->segment == nullptr) return hello(client, message.geometry);
  if (client->segment == nullptr) return false;
  switch (message.kind) {
    case kResolve: return say(socket, resolve(client, message));
    case kList: return say(socket, list(message));
    case kArm: return say(socket, arm(*client, message));
    case kWake: poller_.wake(); return true;
    default: return false;
  }
}

bool SharedServer::hello(Attached* client, const Geometry& wanted) {
  const int socket = client->socket.get();
  if (!wanted.valid() || wanted.segment_bytes() > options_.ring_bytes) {
    const std::string seen = wanted.valid() ? std::to_string(wanted.segment_bytes()) + " bytes" : "no valid size";
    return refuse(socket, "a ring of " + seen + "; expected " + std::to_string(options_.ring_bytes) + " at most");
  }
  Descriptor memory;
  client->segment = Segment::make(wanted.segment_bytes(), &memory);
  if (client->segment == nullptr) return refuse(socket, std::string("no memory for a ring: ") + std::strerror(errno));
  client->ring.emplace(client->segment->bytes(), wanted);
  publish();
  Message welcome{};
  welcome.magic = kMagic;
  welcome.kind = kWelcome;
  welcome.geometry = wanted;
  welcome.sleeps = options_.sleep_after_ns != 0;
  welcome.windows = options_.windows;
  return say(socket, welcome, memory.get());
}

void SharedServer::publish() {
  auto next = std::make_unique<Round>();
  next->number = round_->number + 1;
  for (const auto& client : clients_)
    if (client->ring) next->clients.push_back(client.get());
  poller_.set_round(next.get());
  leaving_.push_back({next->number, nullptr, std::move(round_)});
  round_ = std::move(next);
}

// Its memory goes once the thread of the rings has looked away.
void SharedServer::leave(Attached* client) {
  const auto place =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& one) { return one.get() == client; });
  std::unique_ptr<Attached> gone = std::move(*place);
  clients_.erase(place);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gone->socket.get(), nullptr);
  if (!gone->ring) return;
  publish();
  leaving_.back().client = std::move(gone);
}

void SharedServer::end_late_starters() {
  const std::uint64_t now = serve::steady_ns();
  for (auto next = clients_.begin(); next != clients_.end();) {
    Attached* client = (next++)->get();
    if (client->segment == nullptr && now - client->since_ns > kHelloNs) leave(client);
  }
}

void SharedServer::release() {
  const std::uint64_t seen = poller_.seen();
  leaving_.remove_if([seen](const Leaving& one) { return one.number <= seen; });
}

}  // namespace tickmlp::shared
