// SPDX-License-Identifier: Apache-2.0
// The thread that looks at every ring all the time and answers.
#ifndef TICKMLP_SERVE_SHARED_POLLER_H_
#define TICKMLP_SERVE_SHARED_POLLER_H_
#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "serve/engine/models.h"
#include "serve/shared/attached.h"
#include "serve/shared/tally.h"

namespace tickmlp::shared {

// Who is attached, from one moment to the next: made by the thread of the sockets, never changed.
struct Round {
  std::uint64_t number = 0;
  std::vector<Attached*> clients;
};

// Counts since the start; each is a number that it had.
struct SharedCounters {
  std::atomic<std::uint64_t> answers = 0;  // that carry outputs
  std::atomic<std::uint64_t> states = 0;   // in them
  std::atomic<std::uint64_t> refused = 0;  // requests
  std::atomic<std::uint64_t> sleeps = 0;
};

class Poller {
 public:
  // `sleep_after_ns` 0: it spins while anyone is attached, and its core is busy.
  Poller(serve::Repository& repository, serve::Metrics& metrics, const serve::BreakerOptions& breaker,
         std::uint64_t sleep_after_ns);

  // In the thread that polls, until stop(). Pins it first where core is not below 0; *started is "" then, or why not.
  void run(int core, std::promise<std::string>* started);
  // From here on: the thread of the sockets. A round and its clients must live until seen() has reached a later one.
  void set_round(const Round* round);
  std::uint64_t seen() const { return seen_.load(std::memory_order_acquire); }
  void wake();
  // What is in the rings by now is answered, then run() returns.
  void stop();
  const SharedCounters& counters() const { return counters_; }

 private:
  bool look(const Round& round);
  void answer(Attached* client, std::uint32_t slot);
  serve::ThreadModel* model_of(Meaning* meaning);
  void idle(const Round& round);
  bool sleep(const Round& round);

  serve::Repository& repository_;
  serve::Metrics& metrics_;
  const serve::BreakerOptions breaker_;
  const std::uint64_t sleep_after_ns_;
  Descriptor bell_;  // an eventfd
  std::atomic<const Round*> round_;
  std::atomic<std::uint64_t> seen_ = 0;
  std::atomic<bool> stopping_ = false;
  SharedCounters counters_;
  std::optional<Tally> tally_;           // of the thread that runs
  std::optional<serve::Models> models_;  // made in the thread that runs: its readers belong to it
  std::vector<float> inputs_, outputs_;
  std::uint64_t idle_looks_ = 0, idle_since_ns_ = 0;
};

}  // namespace tickmlp::shared
#endif
