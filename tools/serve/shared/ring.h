// SPDX-License-Identifier: Apache-2.0
// The server's half of a ring. Whatever the client does to the memory, nothing here reads or writes beyond it or waits,
// and but for the inputs nothing takes a value twice.
#ifndef TICKMLP_SERVE_SHARED_RING_H_
#define TICKMLP_SERVE_SHARED_RING_H_
#include <cstring>
#include <vector>

#include "serve/shared/layout.h"

namespace tickmlp::shared {

// Thread-compatible. Does not own the segment, which has geometry.segment_bytes() and outlives it.
class Ring {
 public:
  Ring(unsigned char* segment, const Geometry& geometry)
      : segment_(segment), geometry_(geometry), answered_(geometry.slots, 0) {}

  const Geometry& geometry() const { return geometry_; }

  // A slot with a request, kMaxSlots where none has one. One at a time and round about, so that nobody waits for
  // another client's whole ring.
  std::uint32_t next() {
    for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
      const std::uint32_t slot = at_ + i < geometry_.slots ? at_ + i : at_ + i - geometry_.slots;
      const std::uint32_t sequence = load_acquire(&request(slot)->sequence);
      if (sequence == answered_[slot]) continue;
      answered_[slot] = sequence;
      at_ = slot + 1 < geometry_.slots ? slot + 1 : 0;
      return slot;
    }
    return kMaxSlots;
  }

  // The request's header, each field read once. The sequence is the one that next() saw.
  Request take(std::uint32_t slot) const {
    const Request* from = request(slot);
    return {answered_[slot], load_relaxed(&from->kind), load_relaxed(&from->handle), load_relaxed(&from->states),
            load_relaxed(&from->inputs)};
  }
  // Of a kind that has one.
  std::uint64_t key(std::uint32_t slot) const {
    std::uint64_t key;
    std::memcpy(&key, request(slot) + 1, sizeof key);
    return key;
  }
  // The inputs, geometry().input_floats, behind the key where there is one. The client can change them at any time.
  const float* inputs(std::uint32_t slot, bool keyed) const {
    const auto* from = reinterpret_cast<const unsigned char*>(request(slot) + 1);
    return reinterpret_cast<const float*>(from + (keyed ? kKeyBytes : 0));
  }
  // `floats` of them to memory of our own.
  void copy_inputs(std::uint32_t slot, bool keyed, std::size_t floats, float* out) const {
    std::memcpy(out, inputs(slot, keyed), floats * sizeof *out);
  }

  // `answer` with the sequence that next() saw, and `floats` outputs, not above geometry().output_floats.
  void answer(std::uint32_t slot, const Answer& answer, const float* outputs, std::size_t floats) {
    unsigned char* to = segment_ + geometry_.answer(slot);
    std::memcpy(to + sizeof answer.sequence, &answer.status, sizeof answer - sizeof answer.sequence);
    if (floats != 0) std::memcpy(to + sizeof answer, outputs, floats * sizeof *outputs);
    store_release(reinterpret_cast<std::uint32_t*>(to), answered_[slot]);
  }

  void set_asleep(bool asleep) {
    __atomic_store_n(reinterpret_cast<std::uint32_t*>(segment_), asleep ? 1 : 0, __ATOMIC_SEQ_CST);
  }

 private:
  Request* request(std::uint32_t slot) const { return reinterpret_cast<Request*>(segment_ + geometry_.request(slot)); }

  unsigned char* const segment_;
  const Geometry geometry_;
  std::vector<std::uint32_t> answered_;
  std::uint32_t at_ = 0;
};

}  // namespace tickmlp::shared
#endif
