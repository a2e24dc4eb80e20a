// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/poller.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "serve/client/tickmlp_client.h"
#include "serve/steady_clock.h"

namespace tickmlp::shared {
namespace {

constexpr std::uint64_t kLooksPerClock = 1024;  // a look at an empty ring is a few ns
constexpr int kSleepMs = 100;                   // then the catalogue is looked at, and it sleeps on

// One writer: a plain load and a plain store.
void add(std::atomic<std::uint64_t>* counter, std::uint64_t count) {
  counter->store(counter->load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

std::uint32_t status_of(const serve::Inferred& inferred) {
  switch (inferred.refusal.code) {
    case serve::Code::ok: return TICKMLP_CLIENT_OK;
    case serve::Code::not_found: return TICKMLP_CLIENT_NO_VERSION;
    case serve::Code::unavailable: return TICKMLP_CLIENT_UNAVAILABLE;
    default: break;
  }
  switch (inferred.status) {
    case TICKMLP_NON_FINITE_INPUT: return TICKMLP_CLIENT_NON_FINITE_INPUT;
    case TICKMLP_NON_FINITE_OUTPUT: return TICKMLP_CLIENT_NON_FINITE_OUTPUT;
    default: return TICKMLP_CLIENT_SERVER_ERROR;
  }
}

}  // namespace

Poller::Poller(serve::Repository& repository, serve::Metrics& metrics, const serve::BreakerOptions& breaker,
               std::uint64_t sleep_after_ns)
    : repository_(repository),
      metrics_(metrics),
      breaker_(breaker),
      sleep_after_ns_(sleep_after_ns),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  static const Round kNobody;
  round_ = &kNobody;
  if (bell_.get() < 0) throw std::runtime_error("no eventfd: out of descriptors");
}

void Poller::run(int core, std::promise<std::string>* started) {
  pthread_setname_np(pthread_self(), "tickmlp-shared");
  tickmlp_error error{};
  if (core >= 0 && tickmlp_pin_thread(core, &error) != TICKMLP_OK) return started->set_value(error.message);
  models_.emplace(repository_, "shared", nullptr, breaker_);
  tally_.emplace(metrics_);
  models_->count(metrics_, tally_->figures());
  started->set_value("");
  while (!stopping_.load(std::memory_order_acquire)) {
    const Round& round = *round_.load(std::memory_order_acquire);
    seen_.store(round.number, std::memory_order_release);
    models_->refresh();
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

serve::ThreadModel* Poller::model_of(Meaning* meaning) {
  if (meaning->catalogue != models_->number()) {
    meaning->model = models_->find(meaning->name);
    meaning->catalogue = models_->number();
  }
  return meaning->model;
}

void Poller::answer(Attached* client, std::uint32_t slot) {
  const std::uint64_t begin = tally_->begin();
  models_->refresh();  // what was loaded before this request was sent answers it
  Ring& ring = *client->ring;
  const Request request = ring.take(slot);
  serve::ThreadModel* model = nullptr;
  const auto refuse = [&](std::uint32_t status, std::uint64_t generation = 0, std::size_t state = 0) {
    add(&counters_.refused, 1);
    if (model != nullptr) Tally::refused(*model, generation);
    ring.answer(slot, {0, status, generation, static_cast<std::uint32_t>(state), 0}, nullptr, 0);
  };
  if (request.handle >= kMaxHandles || request.states == 0 || request.states > kMaxStates)
    return refuse(TICKMLP_CLIENT_BAD_ARGUMENT);
  if (!client->has_meaning[request.handle].load(std::memory_order_acquire)) return refuse(TICKMLP_CLIENT_NO_MODEL);
  Meaning& meaning = *client->meanings[request.handle];
  model = model_of(&meaning);
  if (model == nullptr) return refuse(TICKMLP_CLIENT_NO_MODEL);
  const serve::Shape& shape = model->served->shape;
  if (request.inputs != shape.inputs) return refuse(TICKMLP_CLIENT_MODEL_CHANGED);
  const std::size_t input_floats = std::size_t{request.states} * shape.inputs;
  const std::size_t output_floats = std::size_t{request.states} * shape.outputs;
  if (input_floats > ring.geometry().input_floats || output_floats > ring.geometry().output_floats)
    return refuse(TICKMLP_CLIENT_TOO_LARGE);
  if (inputs_.size() < input_floats) inputs_.resize(input_floats);
  if (outputs_.size() < output_floats) outputs_.resize(output_floats);
  ring.copy_inputs(slot, input_floats, inputs_.data());
  const serve::Inferred inferred =
      models_->infer(*model, meaning.version, {inputs_.data(), input_floats}, request.states, outputs_.data());
  if (inferred.refusal) return refuse(status_of(inferred), inferred.generation, inferred.done);
  ring.answer(slot, {0, TICKMLP_CLIENT_OK, inferred.generation, 0, shape.outputs}, outputs_.data(), output_floats);
  tally_->answered(*model, request.states, inferred, begin);
  add(&counters_.answers, 1);
  add(&counters_.states, request.states);
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
    add(&counters_.sleeps, 1);
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
