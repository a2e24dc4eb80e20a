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

#include "serve/make_thread.h"
#include "serve/steady_clock.h"

namespace tickmlp::shared {
namespace {

constexpr int kTickMs = 100;
constexpr int kReleaseMs = 1;                      // while somebody leaves
constexpr std::uint64_t kHelloNs = 1'000'000'000;  // from the connection to the hello
// Why a client went, for the log.
constexpr const char kNoMemory[] = "no memory for what it asked";
constexpr const char kUnread[] = "it does not read its answers";
constexpr const char kRefusedNow[] = "it was refused";  // which the log has already

}  // namespace

SharedServer::SharedServer(const SharedOptions& options, serve::Repository& repository, serve::Shadows& shadows,
                           serve::Metrics& metrics, serve::Log& log)
    : options_(options),
      repository_(repository),
      visits_(log),
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
  polling_ = serve::make_thread("thread of the rings", [&, this] { poller_.run(options_.core, &started); });
  if (const std::string why = started.get_future().get(); !why.empty()) {
    polling_.join();
    throw std::runtime_error("shared memory: " + why);
  }
  try {
    control_ = serve::make_thread("thread of the shared memory's socket", [this] { run(); });
  } catch (const serve::StartError&) {
    poller_.stop();
    polling_.join();
    throw;
  }
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
  for (bool all_gone = true;;) {
    epoll_event events[16];
    const int count = epoll_wait(epoll_.get(), events, 16, leaving_.empty() && all_gone ? kTickMs : kReleaseMs);
    for (int i = 0; i < count; ++i) {
      void* const who = events[i].data.ptr;
      if (who == &stop_bell_) return;
      auto* client = who == &listener_ ? nullptr : static_cast<Attached*>(who);
      const char* why = kNoMemory;
      try {
        if (client == nullptr) accept();
        else why = read(client);
      } catch (const std::exception&) {  // its end, and nobody else's
      }
      if (client != nullptr && why != nullptr) send_off(client, why);
    }
    all_gone = let_go();
    release();
    visits_.look(serve::steady_ns());
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
  const bool known = getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  auto client = std::make_unique<Attached>(std::move(socket), Visitor{static_cast<std::uint64_t>(peer.pid), peer.uid},
                                           serve::steady_ns());
  if (!known || peer.uid != geteuid())
    return void(refuse(*client, "a client of user " + std::to_string(peer.uid) + "; expected the server's, " +
                                    std::to_string(geteuid())));
  if (clients_.size() >= options_.clients)
    return void(refuse(*client, "all " + std::to_string(options_.clients) + " places for clients are taken"));
  epoll_event event{EPOLLIN | EPOLLRDHUP, {}};
  event.data.ptr = client.get();
  clients_.push_back(std::move(client));
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, clients_.back()->socket.get(), &event) != 0) clients_.pop_back();
}

const char* SharedServer::refuse(const Attached& client, std::string_view why) {
  shared::refuse(client.socket.get(), why);
  visits_.refused(client.who, why);
  return kRefusedNow;
}

// One message, so that nobody can keep the others waiting.
const char* SharedServer::read(Attached* client) {
  Message message;
  // Descriptors that come along are closed by the kernel: there is no room for them.
  const ssize_t count = recv(client->socket.get(), &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? nullptr : "its socket failed";
  if (count == 0) return "it ended";  // however it did
  if (count != sizeof message || message.magic != kMagic)
    return refuse(*client, "another protocol: expected a client of this server's version");
  message.text[sizeof message.text - 1] = 0;
  return take(client, message);
}

const char* SharedServer::take(Attached* client, const Message& message) {
  if (message.kind == kHello && client->segment == nullptr) return hello(client, message.geometry);
  if (client->segment == nullptr) return "a message before its hello";
  switch (message.kind) {
    case kResolve:
    case kList:
    case kArm: return say(client->socket.get(), look_up(client, message)) ? nullptr : kUnread;
    case kWake: poller_.wake(); return nullptr;
    default: return "a message of no kind that is known";
  }
}

const char* SharedServer::hello(Attached* client, const Geometry& wanted) {
  if (!wanted.valid() || wanted.segment_bytes() > options_.ring_bytes) {
    const std::string seen = wanted.valid() ? std::to_string(wanted.segment_bytes()) + " bytes" : "no valid size";
    return refuse(*client, "a ring of " + seen + "; expected " + std::to_string(options_.ring_bytes) + " at most");
  }
  Descriptor memory;
  try {
    client->segment = Segment::make(wanted.segment_bytes(), &memory);
    if (client->segment == nullptr)
      return refuse(*client, std::string("no memory for a ring: ") + std::strerror(errno));
    client->ring.emplace(client->segment->bytes(), wanted);
    publish();
  } catch (const std::exception&) {
    return refuse(*client, "no memory for a ring");
  }
  visits_.attached(client->who, wanted.segment_bytes());
  Message welcome{};
  welcome.magic = kMagic;
  welcome.kind = kWelcome;
  welcome.geometry = wanted;
  welcome.sleeps = options_.sleep_after_ns != 0;
  welcome.windows = options_.windows;
  return say(client->socket.get(), welcome, memory.get()) ? nullptr : kUnread;
}

// Lets the thread of the rings look at those that are here, without *gone, which is taken. Where memory runs out all is
// as it was.
void SharedServer::publish(std::unique_ptr<Attached>* gone) {
  auto next = std::make_unique<Round>();
  next->number = round_->number + 1;
  for (const auto& client : clients_)
    if (client->ring && &client != gone) next->clients.push_back(client.get());
  Leaving& last = leaving_.emplace_back(Leaving{next->number, nullptr, nullptr});
  poller_.set_round(next.get());
  if (gone != nullptr) last.client = std::move(*gone);
  last.round = std::move(round_);
  round_ = std::move(next);
}

// It is heard no more.
void SharedServer::send_off(Attached* client, const char* why) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client->socket.get(), nullptr);
  client->going = why;
}

// Those who are to go, and who has said nothing for too long. A client's memory goes once the thread of the rings has
// looked away; telling that thread takes some, so without it they go later. False: some are still here.
bool SharedServer::let_go() {
  const std::uint64_t now = serve::steady_ns();
  for (auto next = clients_.begin(); next != clients_.end();) {
    const auto place = next++;
    Attached& client = **place;
    if (client.going == nullptr && client.segment == nullptr && now - client.since_ns > kHelloNs)
      send_off(&client, "no hello within a second");
    if (client.going == nullptr) continue;
    const Visitor who = client.who;
    const char* const why = client.going;
    const bool was_attached = client.ring.has_value();
    try {
      if (was_attached) publish(&*place);
    } catch (const std::exception&) {
      return false;
    }
    clients_.erase(place);
    if (why != kRefusedNow) visits_.detached(who, why);
  }
  return true;
}

void SharedServer::release() {
  const std::uint64_t seen = poller_.seen();
  leaving_.remove_if([seen](const Leaving& one) { return one.number <= seen; });
}

}  // namespace tickmlp::shared
