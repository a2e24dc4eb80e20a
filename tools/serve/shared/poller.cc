// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/poller.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "serve/steady_clock.h"

namespace tickmlp::shared {
namespace {

constexpr std::uint64_t kLooksPerClock = 1024;  // a look at an empty ring is a few ns
constexpr int kSleepMs = 100;                   // then the catalogue is looked at, and it sleeps on

}  // namespace

Poller::Poller(serve::Repository& repository, serve::Shadows& shadows, serve::Metrics& metrics,
               const serve::BreakerOptions& breaker, std::uint64_t sleep_after_ns, std::uint32_t windows)
    : repository_(repository),
      shadows_(shadows),
      metrics_(metrics),
      breaker_(breaker),
      sleep_after_ns_(sleep_after_ns),
      windows_(windows),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  static const Round kNobody;
  round_ = &kNobody;
  if (bell_.get() < 0) throw std::runtime_error("no eventfd: out of descriptors");
}

void Poller::run(int core, std::promise<std::string>* started) {
  pthread_setname_np(pthread_self(), "tickmlp-shared");
  tickmlp_error error{};
  if (core >= 0 && tickmlp_pin_thread(core, &error) != TICKMLP_OK) return started->set_value(error.message);
  try {
    models_.emplace(repository_, "shared", &shadows_, breaker_);
    tally_.emplace(metrics_);
    models_->count(metrics_, tally_->figures());
    models_->refresh();
  } catch (const std::exception& error) {  // no memory, too many readers
    tally_.reset();
    models_.reset();
    return started->set_value(error.what());
  }
  started->set_value("");
  while (!stopping_.load(std::memory_order_acquire)) {
    const Round& round = *round_.load(std::memory_order_acquire);
    seen_.store(round.number, std::memory_order_release);
    try {
      models_->refresh();
    } catch (const std::exception&) {  // out of memory: the next request tries again, and is refused or answered
    }
    if (look(round)) idle_looks_ = 0;
    else idle(round);
  }
  // What came before the stop; who goes on sending is not waited for.
  for (std::uint32_t i = 0; i < kMaxSlots && look(*round_.load(std::memory_order_acquire)); ++i) {
  }
  seen_.store(UINT64_MAX, std::memory_order_release);
  models_.reset();
  tally_.reset();
}

void Poller::set_round(const Round* round) {
  round_.store(round, std::memory_order_release);
  wake();
}

void Poller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t count = write(bell_.get(), &one, sizeof one);
}

void Poller::stop() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

// One request of each client that has one. False: nobody has.
bool Poller::look(const Round& round) {
  bool found = false;
  for (Attached* client : round.clients) {
    const std::uint32_t slot = client->ring->next();
    if (slot == kMaxSlots) continue;
    answer(client, slot);
    found = true;
  }
  return found;
}

void Poller::idle(const Round& round) {
  tally_->came_round();
  if (round.clients.empty()) {  // nobody can write a request, and whoever comes rings the bell
    sleep(round);
    return;
  }
  if (idle_looks_++ > kLooksPerClock) relax();  // it costs 20 ns, which whoever asks at once shall not wait for
  if (sleep_after_ns_ == 0) return;
  if (idle_looks_ == 1) idle_since_ns_ = serve::steady_ns();
  if (idle_looks_ % kLooksPerClock == 0 && serve::steady_ns() - idle_since_ns_ >= sleep_after_ns_ && sleep(round))
    idle_looks_ = 0;
}

// Says in every ring that it sleeps, looks once more, and waits for the bell. A request that is written meanwhile was
// either seen by that last look, or its client has seen that we sleep. True: somebody rang.
bool Poller::sleep(const Round& round) {
  for (Attached* client : round.clients) client->ring->set_asleep(true);
  bool rang = look(round);
  if (!rang && round_.load(std::memory_order_acquire) == &round && !stopping_.load(std::memory_order_acquire)) {
    tally_->lives();
    pollfd entry{bell_.get(), POLLIN, 0};
    rang = poll(&entry, 1, kSleepMs) > 0;
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t count = read(bell_.get(), &rings, sizeof rings);
  }
  for (Attached* client : round.clients) client->ring->set_asleep(false);
  return rang;
}

}  // namespace tickmlp::shared
