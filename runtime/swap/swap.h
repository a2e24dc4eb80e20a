// SPDX-License-Identifier: Apache-2.0
// What stands behind tickmlp_swap and tickmlp_reader: who writes which cache line, and who owns what.
#pragma once

#include <pthread.h>

#include <atomic>

#include "model.h"
#include "swap/protocol.h"

namespace tickmlp::swap {

inline constexpr uint32_t kMaxReaders = TICKMLP_SWAP_READERS;
inline constexpr uint32_t kDefaultRetired = 4;
inline constexpr uint64_t kDefaultStallNs = 1'000'000'000;
inline constexpr size_t kApart = 128;  // Intel fetches lines in pairs

// The protocol's word, in the library.
class Word {
 public:
  explicit Word(uint64_t value) : value_(value) {}
  uint64_t load_acquire() const { return value_.load(std::memory_order_acquire); }
  uint64_t load_ordered() const { return value_.load(std::memory_order_seq_cst); }
  void store_release(uint64_t value) { value_.store(value, std::memory_order_release); }
  void store_ordered(uint64_t value) { value_.store(value, std::memory_order_seq_cst); }

 private:
  std::atomic<uint64_t> value_;
};

struct ReaderParts {
  tickmlp_session* session;
  tickmlp_window* window;
};

}  // namespace tickmlp::swap

// A model with what every reader needs for it. One or several publications refer to it.
struct tickmlp_preloaded {
  tickmlp_model* model;
  tickmlp_swap* swap;
  uint64_t publications;  // that may be held, the current one included
  bool kept;              // ready to be selected: not freed with its last publication
  tickmlp_preloaded* next;
  tickmlp::swap::ReaderParts parts[tickmlp::swap::kMaxReaders];  // by the reader's index
  void* allocation;
};

namespace tickmlp::swap {

using Content = tickmlp_preloaded;

struct Publication {
  Content* content;
  uint64_t published_ns;  // CLOCK_MONOTONIC
};

}  // namespace tickmlp::swap

// From the first model's allocator; `ring` is a block of its own.
struct tickmlp_swap {
  // Written by the publisher, read by all readers all the time.
  alignas(tickmlp::swap::kApart) tickmlp::swap::Word current{1};
  // Publication n stands at ring[n & mask]. Written before `current`, and again only when nobody can hold n.
  alignas(tickmlp::swap::kApart) tickmlp::swap::Publication* ring;
  uint64_t mask;
  // The lock's own.
  uint64_t newest, oldest;  // publications oldest .. newest exist; newest is `current`
  uint64_t retired_limit, stall_ns, refused;
  tickmlp::swap::Content* contents;  // all of them
  tickmlp_reader* readers[tickmlp::swap::kMaxReaders];
  tickmlp_allocator allocator;
  void *allocation, *ring_allocation;
  mutable pthread_mutex_t lock;
};

struct tickmlp_reader {
  // Written by the reader when the model changes, read by whoever publishes.
  alignas(tickmlp::swap::kApart) tickmlp::swap::Word announced{tickmlp::swap::kIdle};
  // The reader's own.
  alignas(tickmlp::swap::kApart) uint64_t held;  // the number that it holds; 0: none
  const tickmlp_held* now;
  tickmlp_swap* swap;
  uint64_t takes;  // read by others, as counters.h has it
  uint64_t last;   // the number that it took last
  uint32_t index;
  tickmlp_held slots[2];  // in turns, so that the pointer changes with every publication
  // Written once.
  alignas(tickmlp::swap::kApart) tickmlp_session_options options;
  char name[TICKMLP_READER_NAME_BYTES];
  int thread;
  void* allocation;
};

namespace tickmlp::swap {

// The first multiple of kApart in a block that has kApart bytes to spare.
inline void* whole_apart(void* memory) {
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory) + kApart - 1) / kApart * kApart);
}

class Locked {
 public:
  explicit Locked(const tickmlp_swap& swap) : lock_(&swap.lock) { pthread_mutex_lock(lock_); }
  ~Locked() { pthread_mutex_unlock(lock_); }
  Locked(const Locked&) = delete;

 private:
  pthread_mutex_t* lock_;
};

inline Publication& publication(const tickmlp_swap& swap, uint64_t number) { return swap.ring[number & swap.mask]; }

uint64_t steady_ns();
bool is_alive(const tickmlp_reader& reader);  // one system call

// Sessions and windows of one model for one reader, or for all. Errors: OUT_OF_MEMORY; then none is left.
tickmlp_status make_parts(Content& content, const tickmlp_reader& reader, tickmlp_error* error);
void free_parts(Content& content, uint32_t index);

// Under the lock. Frees the publications that no reader can hold, and says what the rest waits for.
struct Held {
  uint64_t retired;               // publications that are still held
  const tickmlp_reader* slowest;  // the reader that holds the oldest; nullptr: none is behind
};
Held collect(tickmlp_swap& swap, bool look_for_the_dead);

}  // namespace tickmlp::swap
