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

class Poller {
 public:
  // `sleep_after_ns` 0: it spins while anyone is attached, and its core is busy. `windows`: most of one client.
  Poller(serve::Repository& repository, serve::Shadows& shadows, serve::Metrics& metrics,
         const serve::BreakerOptions& breaker, std::uint64_t sleep_after_ns, std::uint32_t windows);

  // In the thread that polls, until stop(). Pins it first where core is not below 0; *started is "" then, or why not.
  void run(int core, std::promise<std::string>* started);
  // From here on: the thread of the sockets. A round and its clients must live until seen() has reached a later one.
  void set_round(const Round* round);
  std::uint64_t seen() const { return seen_.load(std::memory_order_acquire); }
  void wake();
  // What is in the rings by now is answered, then run() returns.
  void stop();

 private:
  bool look(const Round& round);
  struct Asked {  // one request; every field was read once
    Attached* client;
    std::uint32_t slot;
    Request request;
    std::uint64_t begin;  // in ticks() where it is timed, else 0
  };
  struct Chosen {
    const Meaning* meaning = nullptr;
    serve::ThreadModel* model = nullptr;
    std::uint16_t arm = 0;
  };
  void answer(Attached* client, std::uint32_t slot);
  void answer(const Asked& asked);
  void infer(const Asked& asked);
  void reset(const Asked& asked);
  void tick(const Asked& asked);
  void advance(const Asked& asked);
  void close(const Asked& asked);
  bool find_window(const Asked& asked, OpenWindow** window, Chosen* chosen);
  // What a handle and a key mean. False: refused.
  bool choose(const Asked& asked, bool keyed, Chosen* out);
  bool choose_arm(const Asked& asked, std::uint8_t handle, std::uint16_t arm, Chosen* out);
  void give(const Asked& asked, const Chosen& chosen, const serve::Inferred& inferred, std::size_t states);
  void refuse(const Asked& asked, std::uint32_t status, const Answer& answer = {});
  // Of a model that is known, and counts it.
  void refuse(const Asked& asked, const Chosen& chosen, std::uint32_t status, const Answer& answer = {});
  void make_room(std::size_t inputs, std::size_t outputs);
  void idle(const Round& round);
  bool sleep(const Round& round);

  serve::Repository& repository_;
  serve::Shadows& shadows_;
  serve::Metrics& metrics_;
  const serve::BreakerOptions breaker_;
  const std::uint64_t sleep_after_ns_;
  const std::uint32_t windows_;
  Descriptor bell_;  // an eventfd
  std::atomic<const Round*> round_;
  std::atomic<std::uint64_t> seen_ = 0;
  std::atomic<bool> stopping_ = false;
  std::optional<Tally> tally_;           // of the thread that runs
  std::optional<serve::Models> models_;  // made in the thread that runs: its readers belong to it
  std::vector<float> inputs_, outputs_;
  std::uint64_t idle_looks_ = 0, idle_since_ns_ = 0;
};

}  // namespace tickmlp::shared
#endif
