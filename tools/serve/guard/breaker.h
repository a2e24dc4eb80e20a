// SPDX-License-Identifier: Apache-2.0
// A circuit breaker: a model that fails by itself is not asked for a while.
#ifndef TICKMLP_SERVE_GUARD_BREAKER_H_
#define TICKMLP_SERVE_GUARD_BREAKER_H_
#include <atomic>
#include <cstdint>

namespace tickmlp::serve {

struct BreakerOptions {
  unsigned failures = 5;  // within a window, when they are at least half of its requests, open it; 0: never
  std::uint64_t window_ns = 1'000'000'000;
  std::uint64_t open_ns = 5'000'000'000;  // then requests try whether the model works again
  unsigned probes = 3;                    // of them in a row must succeed to close it
};

// What the breakers of all threads over one model have come to. Thread-safe.
struct BreakerState {
  std::atomic<unsigned> open = 0;            // threads whose breaker is open or half-open
  std::atomic<std::uint64_t> opened = 0;     // times that one opened
  std::atomic<std::uint64_t> failures = 0;   // of models, by their own fault
  std::atomic<std::uint64_t> fallbacks = 0;  // answers by an older generation in their place
};

// Of one model in one thread, so that a success touches no memory that threads share. Thread-compatible. Where a time
// is asked for, `now_ns()` gives it; it is not called while all goes well.
class Breaker {
 public:
  enum class State { closed, open, half_open };

  Breaker(const BreakerOptions& options, BreakerState& shared) : options_(options), shared_(shared) {}
  ~Breaker() { change(State::closed); }
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  State state() const { return state_; }

  // Whether the model is to be asked. `publication` is the slot's number: a new one has a clean slate.
  template <typename Now>
  bool allows(std::uint64_t publication, const Now& now_ns) {
    if (publication != publication_) {
      publication_ = publication;
      change(State::closed);
      requests_ = failed_ = 0;
    }
    if (state_ == State::open && now_ns() - since_ns_ >= options_.open_ns) {
      change(State::half_open);
      succeeded_ = 0;
    }
    return state_ != State::open;
  }

  void succeeded() {
    ++requests_;
    if (state_ == State::half_open && ++succeeded_ >= options_.probes) {
      change(State::closed);
      requests_ = failed_ = 0;
    }
  }

  // By the model's own fault, not the request's.
  template <typename Now>
  void failed(const Now& now_ns) {
    shared_.failures.fetch_add(1, std::memory_order_relaxed);
    if (options_.failures == 0 || state_ == State::open) return;
    const std::uint64_t now = now_ns();
    if (state_ == State::closed) {
      if (failed_ == 0 || now - since_ns_ > options_.window_ns) {  // a window begins with a failure
        since_ns_ = now;
        requests_ = failed_ = 0;
      }
      ++requests_;
      ++failed_;
      if (failed_ < options_.failures || 2 * failed_ < requests_) return;
    }
    shared_.opened.fetch_add(1, std::memory_order_relaxed);
    change(State::open);
    since_ns_ = now;
  }

 private:
  void change(State next) {
    if (state_ == State::closed && next != State::closed) shared_.open.fetch_add(1, std::memory_order_relaxed);
    if (state_ != State::closed && next == State::closed) shared_.open.fetch_sub(1, std::memory_order_relaxed);
    state_ = next;
  }

  const BreakerOptions options_;
  BreakerState& shared_;
  State state_ = State::closed;
  std::uint64_t publication_ = 0;
  std::uint64_t since_ns_ = 0;  // closed: the window began; open: it opened
  std::uint64_t requests_ = 0, failed_ = 0;
  unsigned succeeded_ = 0;
};

}  // namespace tickmlp::serve
#endif
