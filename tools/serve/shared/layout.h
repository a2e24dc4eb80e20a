// SPDX-License-Identifier: Apache-2.0
// What a client and the server share: the ring's layout in memory, and the messages over the socket beside it.
//
// A ring is one segment, sealed against shrinking, so that no access to it can fault. Slots begin at kSlots; each is a
// request (header, inputs) and an answer (header, outputs), on cache lines of their own. A request is there when its
// sequence differs from the last one that the server answered in that slot, an answer when its sequence is the
// request's. Each side writes its own half alone, the sequence last with release; the other reads it with acquire. The
// server keeps what it must know (the last sequence, the geometry) outside the ring and reads every field once.
#ifndef TICKMLP_SERVE_SHARED_LAYOUT_H_
#define TICKMLP_SERVE_SHARED_LAYOUT_H_
#include <stddef.h>
#include <stdint.h>

namespace tickmlp::shared {

// Two lines: the neighbour of a line is fetched with it on many CPUs.
constexpr size_t kAlignment = 128;
constexpr size_t kSlots = kAlignment;  // before it: the word `asleep`, 1 while the server sleeps
constexpr uint32_t kMaxSlots = 64, kMaxHandles = 64, kMaxWindows = 64, kNameBytes = 64;
constexpr uint32_t kMaxStates = 1024;           // of one request
constexpr uint32_t kMaxFloats = 1024 * 65'536;  // of a request or an answer

// What a request asks for, and what stands behind its header.
enum RequestKind : uint8_t {
  kInfer,       // states [states][inputs]
  kKeyedInfer,  // a key, which chooses a split's arm, then the states
  kReset,       // a key, then the state [inputs] that a window's rows are
  kTick,        // the window's newest row [inputs]
  kAdvance,     // nothing
  kClose,       // nothing
};
// The inputs stand directly behind: the thirteen of one strategic state are in the same line, as are the seven of a
// tactical row.
struct Request {
  uint32_t sequence;
  uint8_t kind, handle;
  uint16_t states;  // kReset and on: the window's number
  uint32_t inputs;  // floats of one state or row, as the client knows the model
};
constexpr size_t kKeyBytes = 8;
// The ten outputs of one tactical or strategic state are in the same line.
struct Answer {
  uint32_t sequence, status;
  uint64_t generation;
  uint16_t failed_state;
  uint16_t arm;      // of a split: which of its models answered
  uint32_t outputs;  // floats of one state
};
static_assert(sizeof(Request) + 13 * sizeof(float) == 64 && sizeof(Answer) + 10 * sizeof(float) == 64);

struct Geometry {
  uint32_t slots, input_floats, output_floats;  // floats: room of one request, of one answer

  bool valid() const {
    return slots - 1 < kMaxSlots && input_floats - 1 < kMaxFloats && output_floats - 1 < kMaxFloats;
  }
  static constexpr size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  size_t request_bytes() const { return aligned(sizeof(Request) + kKeyBytes + sizeof(float) * input_floats); }
  size_t slot_bytes() const { return request_bytes() + aligned(sizeof(Answer) + sizeof(float) * output_floats); }
  size_t segment_bytes() const { return kSlots + slots * slot_bytes(); }
  size_t request(uint32_t slot) const { return kSlots + slot * slot_bytes(); }
  size_t answer(uint32_t slot) const { return request(slot) + request_bytes(); }
};

inline uint32_t load_acquire(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
inline uint32_t load_relaxed(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
inline uint8_t load_relaxed(const uint8_t* byte) { return __atomic_load_n(byte, __ATOMIC_RELAXED); }
inline uint16_t load_relaxed(const uint16_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
inline void store_release(uint32_t* word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// ---- The socket (SOCK_SEQPACKET): messages of one size, each answered by one, but for kWake. ----
constexpr uint32_t kMagic = 0x324d4854;  // "THM2": another layout takes another number
enum Kind : uint32_t {
  kHello = 1,  // geometry wished for -> kWelcome with the segment's descriptor, or kRefused with a reason
  kWelcome,
  kRefused,
  kResolve,  // handle (the client's choice, its meaning once for all), name in text, generation -> kResolved.
             // inputs 0: new, and without meaning where there is no such model; else kept for when there is one
  kResolved,
  kList,  // handle: index -> kListed with the name in text
  kListed,
  kWake,  // a request was written while the server slept
  kArm,   // handle, inputs: which arm of a split -> kListed with its model's name in text
};
struct Message {
  uint32_t magic, kind;
  Geometry geometry;
  uint32_t handle, status, inputs, outputs;
  uint32_t sleeps;         // welcome: 1 where `asleep` must be looked at after each request
  uint32_t windows;        // welcome: so many may this client have
  uint32_t rows, columns;  // of the model's window; 0: it has none
  uint32_t arms;           // of a split; 0: a model
  uint64_t generation;
  char text[192];  // NUL-terminated
};
static_assert(sizeof(Message) == 256);

}  // namespace tickmlp::shared
#endif
